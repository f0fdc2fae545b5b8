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
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/InstIterator.h"
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
        for (unsigned I = 0; I < Fr.Loops.size(); I++)
            leaveAt(I);
        recordImage();
        for (const LiveValue &L : Fr.Values)
            demote(cast<Instruction>(Map.lookup(L.V)), FirstSlot + L.Slot);
        for (Instruction *Result : Results)
            demote(Result, Scratch);
        Body.finish();
        removeUnreadStores();
        return N;
    }

  private:
    // Groups the sites by what their call returns: all sites of a group share one call of the next resume
    // body, whose statepoint has no site of its own, as the image tells which one it is.
    void makeEntry() {
        BasicBlock *Entry = Body.makeEntrance("resume");
        IRBuilder<> B(Entry);
        Type *P = B.getPtrTy();
        // Results that no other site sees have no slot in the record. No two of them live at once: one place
        // does.
        Scratch = FirstSlot + Fr.NumSlots;
        MapVector<Type *, std::vector<const Site *>> Groups;
        unsigned Widest = 0;
        for (const Site &S : Fr.Sites) {
            Type *T = resultType(S);
            Groups[T].push_back(&S);
            if (!T->isVoidTy())
                Widest = std::max(Widest, pieceCount(T));
        }
        Image = B.CreateAlloca(ArrayType::get(B.getInt64Ty(), Scratch + Widest));
        Image->setAlignment(Align(16));
        Inner = B.CreateCall(M.getOrInsertFunction("__popcorn_enter", P, P, P), {N->getArg(0), Image});
        InnerFunction = B.CreateCall(M.getOrInsertFunction("__popcorn_inner", P, P), {Inner});
        SwitchInst *Switch = B.CreateSwitch(B.CreateTrunc(siteNumber(B), B.getInt32Ty()),
                                            enterGroup(Groups.front().first, Groups.front().second));
        for (auto &[T, Sites] : drop_begin(Groups)) {
            BasicBlock *Group = enterGroup(T, Sites);
            for (const Site *S : Sites)
                Switch->addCase(B.getInt32(S->Number), Group);
        }
    }

    Value *siteNumber(IRBuilder<> &B) {
        return loadFromSlots(B, B.getInt64Ty(), Image, 0);
    }

    BasicBlock *enterGroup(Type *Result, ArrayRef<const Site *> Sites) {
        BasicBlock *Group = BasicBlock::Create(C, "group", N);
        BasicBlock *Nowhere = BasicBlock::Create(C, "nowhere", N);
        new UnreachableInst(C, Nowhere);
        IRBuilder<> B(Group);
        FunctionCallee Callee(FunctionType::get(Result, {B.getPtrTy()}, false), InnerFunction);
        Value *Args[] = {Inner}, *Live[] = {Image};
        CallInst *Statepoint = B.CreateGCStatepointCall(POPCORN_ID(POPCORN_SITE_IN_IMAGE, 1), 0, Callee, Args,
                                                        ArrayRef<Value *>(Live), {});
        if (!Result->isVoidTy())
            storeToSlots(B, B.CreateGCResult(Statepoint, Result), Image, Scratch);
        SwitchInst *Switch =
            B.CreateSwitch(B.CreateTrunc(siteNumber(B), B.getInt32Ty()), Nowhere, Sites.size());
        for (const Site *S : Sites)
            Switch->addCase(B.getInt32(S->Number), behind(*S));
        return Group;
    }

    // Where the code behind a site's call begins; by way of a block that puts the call's result where it
    // belongs.
    BasicBlock *behind(const Site &S) {
        BasicBlock *Behind = cast<CallInst>(Map.lookup(S.Call))->getParent()->getSingleSuccessor();
        Instruction *Result = resultOf(S.Call);
        if (!Result || Result->use_empty())
            return Behind;
        unsigned Slot = slotOf(Result);
        if (Slot == Scratch) {
            Results.push_back(cast<Instruction>(Map.lookup(Result)));
            return Behind;
        }
        BasicBlock *Copy = BasicBlock::Create(C, "result", N);
        IRBuilder<> B(Copy);
        storeToSlots(B, loadFromSlots(B, Result->getType(), Image, Scratch), Image, Slot);
        B.CreateBr(Behind);
        return Copy;
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
                return FirstSlot + L.Slot;
        return Scratch;
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
            Recorded.push_back({&S, WeakVH(New)});
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

    // The slot that a pointer into the image points to.
    std::optional<unsigned> imageSlot(const Value *Pointer) const {
        int64_t Offset = 0;
        if (GetPointerBaseWithConstantOffset(Pointer, Offset, M.getDataLayout()) != Image)
            return std::nullopt;
        return Offset / 8;
    }

    // With its loops gone, a resume body reaches only some sites: what it stores for the others nobody reads.
    void removeUnreadStores() {
        BitVector Read(Image->getAllocatedType()->getArrayNumElements());
        for (Instruction &I : instructions(*N))
            if (auto *Load = dyn_cast<LoadInst>(&I))
                if (auto Slot = imageSlot(Load->getPointerOperand()))
                    Read.set(*Slot, *Slot + (Load->getType()->getPrimitiveSizeInBits() + 127) / 64);
        for (auto &[S, Call] : Recorded)
            if (Call)
                for (unsigned Index : S->Live) {
                    const LiveValue &L = Fr.Values[Index];
                    Read.set(FirstSlot + L.Slot, FirstSlot + L.Slot + pieceCount(L.V->getType()));
                }
        for (Instruction &I : make_early_inc_range(instructions(*N)))
            if (auto *Store = dyn_cast<StoreInst>(&I))
                if (auto Slot = imageSlot(Store->getPointerOperand()); Slot && !Read.test(*Slot))
                    Store->eraseFromParent();
        Body.removeDeadInstructions();
    }

    static constexpr unsigned FirstSlot = 1; // the image begins with the site's number

    Frame &Fr;
    Module &M;
    LLVMContext &C;
    BodyClone Body;
    Function *N;
    ValueToValueMapTy &Map;
    std::vector<Instruction *> Results;
    std::vector<std::pair<const Site *, WeakVH>> Recorded;
    AllocaInst *Image = nullptr;
    Value *Inner = nullptr, *InnerFunction = nullptr;
    unsigned Scratch = 0;
};
} // namespace

void makeResumeBody(Frame &Fr) {
    Fr.Resume = ResumeBody(Fr).build();
}

} // namespace popcorn
