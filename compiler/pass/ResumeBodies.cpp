// SPDX-License-Identifier: MIT
//
// The resume body of a function is its clone with another entrance: it is given a frame record, copies it
// into a frame image on its own native frame, calls the next inner frame's resume body, and goes on behind
// the call of the record's site.
//
// In the clone of a function with many sites, every value that is live at some site lives in the image: it is
// stored where it is made, and loaded in each block that uses it. So an entry costs one case of a switch, and
// all the clone's own statepoints record one thing, the image. From the header of a loop with sites on, the
// call goes on in the loop body (LoopBodies.cpp). The clone of a function with fewer takes its values out of
// the image once, when the inner frame has returned, and is ordinary code from there on.

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

// Entries into ordinary code cost a copy of each live value: so many of them, of all sites together, are few.
static constexpr size_t FewLiveValues = 3000;

bool resumesInRegisters(const Frame &Fr) {
    size_t Live = 0;
    for (const Site &S : Fr.Sites)
        Live += S.Live.size();
    return !Fr.HasSetjmp && Live <= FewLiveValues;
}

static Type *resultType(const Site &S) {
    if (auto *Statepoint = dyn_cast<GCStatepointInst>(S.Call))
        return Statepoint->getActualReturnType();
    return S.Call->getType();
}

// As which type the call of the next resume body returns it: what comes in the register of integers has one.
static Type *calledType(Type *T) {
    bool IsWord = T->isVoidTy() || T->isPointerTy() || (T->isIntegerTy() && T->getIntegerBitWidth() <= 64);
    return IsWord ? Type::getInt64Ty(T->getContext()) : T;
}

static Type *calledType(const Site &S) {
    return calledType(resultType(S));
}

// What the program sees of the call's result; null if it does not look.
static Instruction *resultOf(const Site &S) {
    Instruction *Result = isa<GCStatepointInst>(S.Call) ? nullptr : S.Call;
    if (!Result)
        for (User *U : S.Call->users())
            if (auto *R = dyn_cast<GCResultInst>(U))
                Result = R;
    return Result && !Result->use_empty() ? Result : nullptr;
}

namespace {
// The way in, which both kinds of resume bodies share.
class ResumeBody {
  protected:
    explicit ResumeBody(Frame &Fr)
        : Fr(Fr), M(*Fr.F->getParent()), C(M.getContext()), Body(Fr, ".resume"), N(Body.N), Map(Body.Map) {
        N->addFnAttr(Attribute::OptimizeForSize);
        N->setSection(POPCORN_SECTION_RESUME);
    }
    virtual ~ResumeBody() = default;

    // Keeps the result of one of the calls, for all sites whose call returns it so. B stands where it has
    // returned.
    virtual void keepResult(IRBuilder<> &, Type *, Value *) {}
    // What to do once for all sites. B stands where one of the calls has returned.
    virtual void enterTogether(IRBuilder<> &) {}
    // The block that leads to the code behind a site's call.
    virtual BasicBlock *wayBehind(const Site &S) = 0;

    BasicBlock *codeBehind(const Site &S) {
        return cast<CallInst>(Map.lookup(S.Call))->getParent()->getSingleSuccessor();
    }

    // Groups the sites by what their call returns: all sites of a group share one call of the next resume
    // body, whose statepoint has no site of its own, as the image tells which one it is. Behind the calls
    // their ways meet: from there on, what is in the image is the same for all.
    void makeEntry() {
        MapVector<Type *, std::vector<const Site *>> Groups;
        unsigned Widest = 0;
        for (const Site &S : Fr.Sites) {
            Type *T = calledType(S);
            Groups[T].push_back(&S);
            if (resultOf(S))
                Widest = std::max(Widest, pieceCount(T));
        }
        IRBuilder<> B(Body.makeEntrance("resume"));
        Type *P = B.getPtrTy();
        Image = B.CreateAlloca(ArrayType::get(B.getInt64Ty(), Scratch + Widest));
        Image->setAlignment(Align(16));
        Inner = B.CreateCall(M.getOrInsertFunction("__popcorn_enter", P, P, P), {N->getArg(0), Image});
        InnerFunction = B.CreateCall(M.getOrInsertFunction("__popcorn_inner", P, P), {Inner});
        Behind = BasicBlock::Create(C, "behind", N);
        Value *Number = siteNumber(B);
        SwitchInst *Switch = B.CreateSwitch(Number, enterGroup(Groups.front().first));
        for (auto &[T, Sites] : drop_begin(Groups)) {
            BasicBlock *Group = enterGroup(T);
            for (const Site *S : Sites)
                Switch->addCase(B.getInt32(S->Number), Group);
        }
        leaveForSites();
    }

    Value *siteNumber(IRBuilder<> &B) {
        return loadFromSlots(B, B.getInt32Ty(), Image, 0);
    }

    BasicBlock *enterGroup(Type *T) {
        BasicBlock *Group = BasicBlock::Create(C, "group", N, Behind);
        IRBuilder<> B(Group);
        FunctionCallee Callee(FunctionType::get(T, {B.getPtrTy()}, false), InnerFunction);
        Value *Args[] = {Inner}, *Live[] = {Image};
        CallInst *Statepoint = B.CreateGCStatepointCall(POPCORN_ID(POPCORN_SITE_IN_IMAGE, 1), 0, Callee, Args,
                                                        ArrayRef<Value *>(Live), {});
        keepResult(B, T, B.CreateGCResult(Statepoint, T));
        B.CreateBr(Behind);
        return Group;
    }

    void leaveForSites() {
        BasicBlock *Nowhere = BasicBlock::Create(C, "nowhere", N);
        new UnreachableInst(C, Nowhere);
        IRBuilder<> B(Behind);
        enterTogether(B);
        SwitchInst *Switch = B.CreateSwitch(siteNumber(B), Nowhere, Fr.Sites.size());
        for (const Site &S : Fr.Sites)
            Switch->addCase(B.getInt32(S.Number), wayBehind(S));
    }

    static constexpr unsigned FirstSlot = 1; // the image begins with the site's number

    Frame &Fr;
    Module &M;
    LLVMContext &C;
    BodyClone Body;
    Function *N;
    ValueToValueMapTy &Map;
    AllocaInst *Image = nullptr;
    Value *Inner = nullptr, *InnerFunction = nullptr;
    BasicBlock *Behind = nullptr; // where one of the calls has returned
    // Results that no other site sees have no slot in the record. No two of them live at once: one place
    // does.
    unsigned Scratch = FirstSlot + Fr.NumSlots;
};

// Few sites: the image is read once.
class RegisterBody : ResumeBody {
  public:
    explicit RegisterBody(Frame &Fr) : ResumeBody(Fr) {}

    Function *build() {
        makeEntry();
        Body.finish();
        SmallVector<AllocaInst *, 4> More;
        for (auto &[T, Home] : ResultHomes)
            More.push_back(Home);
        Body.promoteHomes(More);
        return N;
    }

  private:
    // A value is loaded at each site it is live at, or, if these are many, at once for all of them: where it
    // is not live, nobody looks.
    static constexpr unsigned ManySites = 2;

    void load(IRBuilder<> &B, unsigned Index) {
        const LiveValue &L = Fr.Values[Index];
        Value *Loaded = loadFromSlots(B, L.V->getType(), Image, FirstSlot + L.Slot);
        B.CreateStore(Loaded, Body.homeOf(L.V));
    }

    void keepResult(IRBuilder<> &B, Type *T, Value *Result) override {
        AllocaInst *&Home = ResultHomes[T];
        Home = new AllocaInst(T, 0, "", N->getEntryBlock().begin());
        B.CreateStore(Result, Home);
    }

    void enterTogether(IRBuilder<> &B) override {
        std::vector<unsigned> Count(Fr.Values.size());
        for (const Site &S : Fr.Sites)
            for (unsigned Index : S.Live)
                if (++Count[Index] == ManySites)
                    load(B, Index);
        Shared = std::move(Count);
    }

    BasicBlock *wayBehind(const Site &S) override {
        BasicBlock *Case = BasicBlock::Create(C, "site", N);
        IRBuilder<> B(Case);
        for (unsigned Index : S.Live)
            if (Shared[Index] < ManySites)
                load(B, Index);
        if (Instruction *Original = resultOf(S)) {
            Type *T = Original->getType(), *Called = calledType(T);
            Value *Result = B.CreateLoad(Called, ResultHomes.lookup(Called));
            if (T->isPointerTy())
                Result = B.CreateIntToPtr(Result, T);
            else if (T != Called)
                Result = B.CreateTrunc(Result, T);
            B.CreateStore(Result, Body.homeOf(Original));
        }
        B.CreateBr(codeBehind(S));
        return Case;
    }

    std::vector<unsigned> Shared;                // at how many sites each value is live
    MapVector<Type *, AllocaInst *> ResultHomes; // what a call of that type returned
};

// Many sites: the image holds the values as long as the body runs.
class ImageBody : ResumeBody {
  public:
    explicit ImageBody(Frame &Fr) : ResumeBody(Fr) {
        N->addFnAttr(Attribute::MinSize);
        N->addFnAttr(Attribute::Cold);
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
    // Each group stores its result once; a site whose result has a slot of its own moves it there.
    void keepResult(IRBuilder<> &B, Type *T, Value *Result) override {
        if (any_of(Fr.Sites, [T](const Site &S) { return calledType(S) == T && resultOf(S); }))
            storeToSlots(B, Result, Image, Scratch);
    }

    BasicBlock *wayBehind(const Site &S) override {
        BasicBlock *Next = codeBehind(S);
        Instruction *Original = resultOf(S);
        if (!Original)
            return Next;
        unsigned Slot = slotOf(Original);
        if (Slot == Scratch) {
            Results.push_back(cast<Instruction>(Map.lookup(Original)));
            return Next;
        }
        BasicBlock *Copy = BasicBlock::Create(C, "result", N);
        IRBuilder<> CopyB(Copy);
        storeToSlots(CopyB, loadFromSlots(CopyB, Original->getType(), Image, Scratch), Image, Slot);
        CopyB.CreateBr(Next);
        return Copy;
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
            if (auto *Result = dyn_cast<GCResultInst>(Old)) // of what was a tail call
                Old = cast<CallInst>(Result->getArgOperand(0));
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
                    Read.set(*Slot, *Slot + pieceCount(Load->getType()));
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

    std::vector<Instruction *> Results;
    std::vector<std::pair<const Site *, WeakVH>> Recorded;
};
} // namespace

void makeResumeBody(Frame &Fr) {
    if (resumesInRegisters(Fr)) {
        Fr.Resume = RegisterBody(Fr).build();
        return;
    }
    makeLoopBody(Fr);
    Fr.Resume = ImageBody(Fr).build();
}

} // namespace popcorn
