// SPDX-License-Identifier: MIT
//
// The resume body of a function is its clone with another entrance: it is given a frame record, copies it
// into a frame image on its own native frame, and switches on the record's site. There it calls the next
// inner frame's resume body, by a statepoint of the same site, and goes on behind the call.
//
// In the clone, every value that is live at some site lives in the image: it is stored where it is made, and
// loaded in each block that uses it. So an entry costs one case of the switch, and all the clone's own
// statepoints record one thing, the image.

#include "Pieces.h"
#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Statepoint.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace popcorn {

namespace {
class ResumeBody {
  public:
    explicit ResumeBody(Frame &Fr) : Fr(Fr), M(*Fr.F->getParent()), C(M.getContext()) {}

    Function *build() {
        clone();
        makeEntry();
        for (const Site &S : Fr.Sites)
            enterAt(S);
        recordImage();
        for (const LiveValue &L : Fr.Values)
            if (Value *V = Map.lookup(L.V))
                demote(V, L.Slot);
        for (Instruction *Result : Results)
            demote(Result, Scratch);
        for (Instruction *A : Arguments)
            A->eraseFromParent();
        removeUnreachableBlocks(*N);
        removeDeadLoads();
        return N;
    }

  private:
    void clone() {
        auto *Type = FunctionType::get(Fr.F->getReturnType(), {PointerType::get(C, 0)}, false);
        N = Function::Create(Type, GlobalValue::InternalLinkage, Fr.F->getName() + ".resume", &M);
        // The arguments are gone by the time a frame is resumed: their uses read the image.
        BasicBlock *Stand = BasicBlock::Create(C);
        for (Argument &A : Fr.F->args()) {
            auto *Placeholder = new FreezeInst(PoisonValue::get(A.getType()), A.getName(), Stand);
            Arguments.push_back(Placeholder);
            Map[&A] = Placeholder;
        }
        SmallVector<ReturnInst *, 8> Returns;
        CloneFunctionInto(N, Fr.F, Map, CloneFunctionChangeType::LocalChangesOnly, Returns);
        for (Instruction *A : Arguments)
            A->moveBefore(N->getEntryBlock(), N->getEntryBlock().begin());
        delete Stand;
        setAttributes();
    }

    void setAttributes() {
        N->setCallingConv(CallingConv::C);
        AttributeList Old = Fr.F->getAttributes();
        N->setAttributes(AttributeList::get(C, Old.getFnAttrs(), AttributeSet(), {}));
        for (Attribute::AttrKind Kind :
             {Attribute::OptimizeNone, Attribute::InlineHint, Attribute::AlwaysInline})
            N->removeFnAttr(Kind);
        for (Attribute::AttrKind Kind :
             {Attribute::NoInline, Attribute::Cold, Attribute::MinSize, Attribute::OptimizeForSize})
            N->addFnAttr(Kind);
        N->setSection(POPCORN_SECTION_RESUME);
    }

    void makeEntry() {
        BasicBlock *Old = &N->getEntryBlock();
        BasicBlock *Entry = BasicBlock::Create(C, "resume", N, Old);
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

    Value *loadIn(BasicBlock *BB, Value *V, unsigned Slot, DenseMap<BasicBlock *, Value *> &Loaded) {
        Value *&L = Loaded[BB];
        if (!L) {
            IRBuilder<> B(&*BB->getFirstInsertionPt());
            L = loadFromSlots(B, V->getType(), Image, Slot);
        }
        return L;
    }

    void demote(Value *V, unsigned Slot) {
        auto *Def = cast<Instruction>(V);
        std::vector<Use *> Uses;
        for (Use &U : Def->uses())
            Uses.push_back(&U);
        DenseMap<BasicBlock *, Value *> Loaded;
        for (Use *U : Uses) {
            auto *User = cast<Instruction>(U->getUser());
            auto *Phi = dyn_cast<PHINode>(User);
            BasicBlock *Where = Phi ? Phi->getIncomingBlock(*U) : User->getParent();
            if (Where != Def->getParent() || isPlaceholder(Def))
                U->set(loadIn(Where, V, Slot, Loaded));
        }
        if (isPlaceholder(Def))
            return;
        IRBuilder<> B(isa<PHINode>(Def) ? &*Def->getParent()->getFirstInsertionPt() : Def->getNextNode());
        storeToSlots(B, Def, Image, Slot);
    }

    bool isPlaceholder(Instruction *I) const {
        return is_contained(Arguments, I);
    }

    void removeDeadLoads() {
        for (BasicBlock &BB : *N)
            for (Instruction &I : make_early_inc_range(reverse(BB)))
                if (isInstructionTriviallyDead(&I))
                    I.eraseFromParent();
    }

    Frame &Fr;
    Module &M;
    LLVMContext &C;
    Function *N = nullptr;
    ValueToValueMapTy Map;
    std::vector<Instruction *> Arguments, Results;
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
