// SPDX-License-Identifier: MIT
//
// The data stack. A local that has an address must have it on every ISA, so it does not lie on the native
// stack but on a second one in portable memory, as SafeStack keeps a second stack for another reason. In a
// function that may migrate that is every alloca left after optimisation; in a plain function, whose frame is
// never captured, only those whose address escapes, as another thread may read them from another ISA's
// process, or the origin's kernel on the thread's behalf.

#include "popcorn/abi.h"
#include "Steps.h"
#include "Uses.h"
#include "llvm/Analysis/CaptureTracking.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace popcorn {

static constexpr const char *ArgumentBlock = "popcorn.arguments";
static constexpr uint64_t StackAlign = 16;

// A block of unnamed arguments is only read by the callee: in a plain function it may stay on the native
// stack.
void markArgumentBlock(AllocaInst *Block) {
    Block->setMetadata(ArgumentBlock, MDNode::get(Block->getContext(), {}));
}

Value *dataStackPointer(IRBuilder<> &B) {
    Value *ThreadPointer = B.CreateIntrinsic(Intrinsic::thread_pointer, {}, {});
    return B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), ThreadPointer, POPCORN_TCB_DATA_STACK);
}

static Value *load(IRBuilder<> &B) {
    return B.CreateLoad(B.getPtrTy(), dataStackPointer(B));
}

static Value *alignDown(IRBuilder<> &B, Value *Pointer, Align A) {
    return B.CreateIntrinsic(Intrinsic::ptrmask, {B.getPtrTy(), B.getInt64Ty()},
                             {Pointer, B.getInt64(-A.value())});
}

static void forgetLifetime(Value *V) {
    for (User *U : make_early_inc_range(V->users()))
        if (auto *I = dyn_cast<IntrinsicInst>(U); I && I->isLifetimeStartOrEnd())
            I->eraseFromParent();
}

static std::vector<AllocaInst *> allocasToMove(Function &F, bool Migratable) {
    std::vector<AllocaInst *> Out;
    for (Instruction &I : instructions(F))
        if (auto *A = dyn_cast<AllocaInst>(&I))
            if (Migratable || isFrameMark(*A) ||
                (!A->hasMetadata(ArgumentBlock) && PointerMayBeCaptured(A, true, true)))
                Out.push_back(A);
    return Out;
}

namespace {
struct Layout {
    std::vector<std::pair<AllocaInst *, uint64_t>> Fixed; // with offset from the frame's base
    std::vector<AllocaInst *> Dynamic;
    uint64_t Size = 0;
    Align Alignment{StackAlign};
};
} // namespace

static Layout layOut(Function &F, ArrayRef<AllocaInst *> Allocas) {
    Layout L;
    for (AllocaInst *A : Allocas) {
        if (!A->isStaticAlloca()) {
            L.Dynamic.push_back(A);
            continue;
        }
        L.Alignment = std::max(L.Alignment, A->getAlign());
        L.Size = alignTo(L.Size, A->getAlign());
        L.Fixed.push_back({A, L.Size});
        L.Size += *A->getAllocationSize(F.getDataLayout());
    }
    L.Size = alignTo(L.Size, StackAlign);
    return L;
}

static void moveDynamic(AllocaInst *A) {
    forgetLifetime(A);
    IRBuilder<> B(A);
    const DataLayout &DL = A->getDataLayout();
    Value *Count = B.CreateZExtOrTrunc(A->getArraySize(), B.getInt64Ty());
    Value *Size = B.CreateMul(Count, B.getInt64(DL.getTypeAllocSize(A->getAllocatedType())));
    Value *Top = B.CreateGEP(B.getInt8Ty(), load(B), B.CreateNeg(Size));
    Value *Low = alignDown(B, Top, std::max(A->getAlign(), Align(StackAlign)));
    B.CreateStore(Low, dataStackPointer(B));
    A->replaceAllUsesWith(Low);
    A->eraseFromParent();
}

static void moveSavedStack(Function &F) {
    for (Instruction &I : make_early_inc_range(instructions(F))) {
        auto *Intrinsic = dyn_cast<IntrinsicInst>(&I);
        if (!Intrinsic)
            continue;
        IRBuilder<> B(Intrinsic);
        if (Intrinsic->getIntrinsicID() == Intrinsic::stacksave)
            Intrinsic->replaceAllUsesWith(load(B));
        else if (Intrinsic->getIntrinsicID() == Intrinsic::stackrestore)
            B.CreateStore(Intrinsic->getArgOperand(0), dataStackPointer(B));
        else
            continue;
        Intrinsic->eraseFromParent();
    }
}

// The optimiser may have given every local of variable size a constant one: then nothing is left to be given
// back. The native stack pointer must not be kept across a migration.
static void forgetSavedStack(Function &F) {
    for (Instruction &I : make_early_inc_range(instructions(F))) {
        auto *Intrinsic = dyn_cast<IntrinsicInst>(&I);
        if (!Intrinsic || (Intrinsic->getIntrinsicID() != Intrinsic::stacksave &&
                           Intrinsic->getIntrinsicID() != Intrinsic::stackrestore))
            continue;
        if (!Intrinsic->getType()->isVoidTy())
            Intrinsic->replaceAllUsesWith(Constant::getNullValue(Intrinsic->getType()));
        Intrinsic->eraseFromParent();
    }
}

static void moveFixed(AllocaInst *A, Value *Base, uint64_t Offset) {
    forgetLifetime(A);
    // The address is made anew at each use: only the base is live in between.
    replaceEachUse(A, [&](IRBuilder<> &B) -> Value * {
        return Offset ? B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Base, Offset) : Base;
    });
    A->eraseFromParent();
}

// A call that must be a tail call leaves the frame like a return.
// An over-aligned frame cannot compute where it began: it keeps that in its own highest word.
static void restoreAtReturns(Function &F, const Layout &L, Value *Base, bool KeepsOld) {
    for (BasicBlock &BB : F)
        if (auto *Return = dyn_cast<ReturnInst>(BB.getTerminator())) {
            CallInst *Tail = BB.getTerminatingMustTailCall();
            IRBuilder<> B(Tail ? static_cast<Instruction *>(Tail) : Return);
            Value *Old = B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Base, L.Size);
            B.CreateStore(KeepsOld ? B.CreateLoad(B.getPtrTy(), Old) : Old, dataStackPointer(B));
        }
}

DataFrame moveToDataStack(Function &F, bool Migratable) {
    std::vector<AllocaInst *> Allocas = allocasToMove(F, Migratable);
    if (Migratable && all_of(Allocas, [](AllocaInst *A) { return A->isStaticAlloca(); }))
        forgetSavedStack(F);
    if (Allocas.empty())
        return {};
    forgetEffects(F); // it moves the thread's pointer
    for (User *U : F.users())
        if (auto *Call = dyn_cast<CallBase>(U); Call && Call->getCalledFunction() == &F)
            forgetEffects(*Call);
    Layout L = layOut(F, Allocas);
    bool KeepsOld = L.Alignment > Align(StackAlign);

    IRBuilder<> B(&*F.getEntryBlock().getFirstInsertionPt());
    Value *Old = load(B);
    uint64_t Taken = L.Size + (KeepsOld ? StackAlign : 0);
    Value *Base = B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Old, -int64_t(Taken));
    if (KeepsOld) {
        Base = alignDown(B, Base, L.Alignment);
        B.CreateStore(Old, B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Base, L.Size));
    }
    B.CreateStore(Base, dataStackPointer(B));
    restoreAtReturns(F, L, Base, KeepsOld);

    for (auto [A, Offset] : L.Fixed)
        moveFixed(A, Base, Offset);
    for (AllocaInst *A : L.Dynamic)
        moveDynamic(A);
    if (!L.Dynamic.empty())
        moveSavedStack(F);
    return {Base, !L.Dynamic.empty()};
}

// The outermost loop around BB in which nothing is called that may migrate, or null.
static Loop *quietLoop(const LoopInfo &LI, const BasicBlock *BB, ArrayRef<CallInst *> Sites) {
    Loop *Out = nullptr;
    for (Loop *L = LI.getLoopFor(BB); L && L->getLoopPreheader(); L = L->getParentLoop()) {
        if (any_of(Sites, [&](CallInst *Site) { return L->contains(Site) && !isPoint(*Site); }))
            break;
        Out = L;
    }
    return Out;
}

// While a function without locals of variable size runs, its base is the thread's data stack pointer: whoever
// moves that puts it back. So the base need not live across calls, nor be recorded: each block that needs it
// loads it, or the block in front of a loop whose only sites are points.
void reloadBase(Function &F, const DataFrame &Data, ArrayRef<CallInst *> Sites) {
    if (!Data.Base || Data.Grows)
        return;
    DominatorTree DT(F);
    LoopInfo LI(DT);
    DenseMap<BasicBlock *, Value *> BaseIn{{&F.getEntryBlock(), Data.Base}};
    for (Use &U : make_early_inc_range(Data.Base->uses())) {
        auto *User = cast<Instruction>(U.getUser());
        auto *Phi = dyn_cast<PHINode>(User);
        BasicBlock *Where = Phi ? Phi->getIncomingBlock(U) : User->getParent();
        if (Loop *Quiet = quietLoop(LI, Where, Sites))
            Where = Quiet->getLoopPreheader();
        Value *&Base = BaseIn[Where];
        if (!Base) {
            IRBuilder<> B(&*Where->getFirstInsertionPt());
            Base = load(B);
        }
        U.set(Base);
    }
}

} // namespace popcorn
