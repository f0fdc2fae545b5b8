// SPDX-License-Identifier: MIT
//
// The resume body of a function is its clone with another entrance: it is given a frame record, copies it
// into a frame image on its own native frame, and switches on the record's site. There it calls the next
// inner frame's resume body, by a statepoint of the same site, and goes on behind the call.
//
// In the clone, every value that is live at some site lives in the image: it is stored where it is made, and
// loaded in each block that uses it. So an entry costs one case of the switch, and all the clone's own
// statepoints record one thing, the image.

#include "BodyClone.h"
#include "Pieces.h"
#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/IR/Statepoint.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace popcorn {

namespace {
class ResumeBody {
  public:
    explicit ResumeBody(Frame &Fr)
        : Fr(Fr), M(*Fr.F->getParent()), C(M.getContext()), Body(*Fr.F, ".resume"), N(Body.N), Map(Body.Map) {
        for (Attribute::AttrKind Kind : {Attribute::Cold, Attribute::MinSize, Attribute::OptimizeForSize})
            N->addFnAttr(Kind);
        N->setSection(POPCORN_SECTION_RESUME);
    }

    Function *build() {
        makeEntry();
        for (const Site &S : Fr.Sites)
            enterAt(S);
        for (unsigned I = 0; I < Fr.Loops.size(); I++)
            leaveAt(I);
        recordImage();
        for (const LiveValue &L : Fr.Values)
            demote(cast<Instruction>(Map.lookup(L.V)), L.Slot);
        for (Instruction *Result : Results)
            demote(Result, Scratch);
        Body.finish();
        return N;
    }

  private:
    void makeEntry() {
        BasicBlock *Entry = Body.makeEntrance("resume");
        BasicBlock *Nowhere = BasicBlock::Create(C, "nowhere", N);
        new UnreachableInst(C, Nowhere);
        IRBuilder<> B(Entry);
        // Results that no other site sees have no slot in the record. No two of them live at once: one place
        // does.
        Scratch = Fr.NumSlots;
        unsigned Widest = 1;
        for (const Site &S : Fr.Sites)
            if (Type *T = resultType(S); !T->isVoidTy())
                Widest = std::max(Widest, pieceCount(T));
        Image = B.CreateAlloca(ArrayType::get(B.getInt64Ty(), Scratch + Widest));
        Image->setAlignment(Align(16));
        Type *P = B.getPtrTy();
        Value *Record = N->getArg(0);
        Inner = B.CreateCall(M.getOrInsertFunction("__popcorn_enter", P, P, P), {Record, Image});
        InnerFunction = B.CreateCall(M.getOrInsertFunction("__popcorn_inner", P, P), {Inner});
        Switch = B.CreateSwitch(B.CreateLoad(B.getInt32Ty(), Record), Nowhere, Fr.Sites.size());
    }

    static Type *resultType(const Site &S) {
        if (auto *Statepoint = dyn_cast<GCStatepointInst>(S.Call))
            return Statepoint->getActualReturnType();
        return S.Call->getType();
    }

    static Instruction *resultOf(CallInst *Call) {
        if (!isa<GCStatepointInst>(Call))
            return Call;
        for (User *U : Call->users())
            if (auto *Result = dyn_cast<GCResultInst>(U))
                return Result;
        return nullptr;
    }

    unsigned slotOf(const Instruction *Original) const {
        for (const LiveValue &L : Fr.Values)
            if (L.V == Original)
                return L.Slot;
        return Scratch;
    }

    void enterAt(const Site &S) {
        auto *Call = cast<CallInst>(Map.lookup(S.Call));
        BasicBlock *Behind = Call->getParent()->getSingleSuccessor();
        BasicBlock *Case = BasicBlock::Create(C, "site", N);
        IRBuilder<> B(Case);
        FunctionCallee Callee(FunctionType::get(resultType(S), {B.getPtrTy()}, false), InnerFunction);
        Value *Result;
        if (S.IsSetjmp) {
            Result = B.CreateCall(Callee, {Inner});
        } else {
            Value *Args[] = {Inner}, *Live[] = {Image};
            CallInst *Statepoint = B.CreateGCStatepointCall(POPCORN_ID(S.Number, 1), 0, Callee, Args,
                                                            ArrayRef<Value *>(Live), {});
            Result = resultType(S)->isVoidTy() ? nullptr : B.CreateGCResult(Statepoint, resultType(S));
        }
        if (Instruction *Original = resultOf(S.Call); Original && !Original->use_empty()) {
            unsigned Slot = slotOf(Original);
            storeToSlots(B, Result, Image, Slot);
            if (Slot == Scratch)
                Results.push_back(cast<Instruction>(Map.lookup(Original)));
        }
        B.CreateBr(Behind);
        Switch->addCase(B.getInt32(S.Number), Case);
    }

    void leaveAt(unsigned Loop) {
        auto *Header = cast<BasicBlock>(Map.lookup(Fr.Loops[Loop].Header));
        Header->getTerminator()->eraseFromParent();
        IRBuilder<> B(Header);
        handOver(B, Fr, Loop, Map);
    }

    // The clone's own statepoints record the image instead of the values.
    void recordImage() {
        for (const Site &S : Fr.Sites) {
            if (S.IsSetjmp)
                continue;
            auto *Old = cast<CallInst>(Map.lookup(S.Call));
            Value *Live[] = {Image};
            auto *New = cast<CallInst>(CallBase::Create(
                Old, {OperandBundleDef("deopt", ArrayRef<Value *>(Live))}, Old->getIterator()));
            New->setArgOperand(GCStatepointInst::IDPos,
                               ConstantInt::get(Type::getInt64Ty(C), POPCORN_ID(S.Number, 1)));
            SmallVector<Value *, 16> Pieces;
            OperandBundleUse Deopt = *Old->getOperandBundle("deopt");
            for (const Use &U : Deopt.Inputs)
                Pieces.push_back(U.get());
            Old->replaceAllUsesWith(New);
            Old->eraseFromParent();
            for (Value *V : Pieces)
                RecursivelyDeleteTriviallyDeadInstructions(V);
        }
    }

    void demote(Instruction *Def, unsigned Slot) {
        SmallVector<Use *, 16> Uses;
        for (Use &U : Def->uses())
            Uses.push_back(&U);
        DenseMap<BasicBlock *, Value *> Loaded;
        for (Use *U : Uses) {
            auto *User = cast<Instruction>(U->getUser());
            auto *Phi = dyn_cast<PHINode>(User);
            BasicBlock *Where = Phi ? Phi->getIncomingBlock(*U) : User->getParent();
            if (Where == Def->getParent() && !Body.isPlaceholder(Def))
                continue;
            Value *&Load = Loaded[Where];
            if (!Load) {
                IRBuilder<> B(&*Where->getFirstInsertionPt());
                Load = loadFromSlots(B, Def->getType(), Image, Slot);
            }
            U->set(Load);
        }
        if (Body.isPlaceholder(Def))
            return;
        IRBuilder<> B(isa<PHINode>(Def) ? &*Def->getParent()->getFirstInsertionPt() : Def->getNextNode());
        storeToSlots(B, Def, Image, Slot);
    }

    Frame &Fr;
    Module &M;
    LLVMContext &C;
    BodyClone Body;
    Function *N;
    ValueToValueMapTy &Map;
    std::vector<Instruction *> Results;
    AllocaInst *Image = nullptr;
    Value *Inner = nullptr, *InnerFunction = nullptr;
    SwitchInst *Switch = nullptr;
    unsigned Scratch = 0;
};
} // namespace

void makeResumeBody(Frame &Fr) {
    Fr.Resume = ResumeBody(Fr).build();
}

} // namespace popcorn
