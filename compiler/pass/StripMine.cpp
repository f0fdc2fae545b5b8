// SPDX-License-Identifier: MIT
//
// A loop that counts to a number known when it is entered, and calls nothing, becomes two: an outer one whose
// every round takes a strip of the iterations, and an inner one that runs through a strip and holds no point.
// So the point costs a counted loop nothing, nothing recorded lies in the inner loop, and each image's own
// optimiser may vectorise and unroll it as if nobody could ever migrate.
//
//   header: i = phi [start, before], [next, latch]        strip:  from = phi [start, before], [stop, again]
//           ...                                                   stop = from + min(end - from, strip length)
//   latch:  next = i + 1                             =>   header: i = phi [from, strip], [next, latch]
//           br next == end, exit, header                          ...
//                                                         latch:  next = i + 1
//                                                                 br next == stop, done, header
//                                                         done:   br stop == end, exit, again
//                                                         again:  the point; br strip

#include "StripMine.h"
#include "llvm/ADT/bit.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include "llvm/Transforms/Utils/ScalarEvolutionExpander.h"

using namespace llvm;

namespace popcorn {

// What a strip may cost, in simple instructions: some ten microseconds, and a few hundred if nothing is in
// the cache.
static constexpr unsigned StripCost = 1 << 15;
static constexpr unsigned LongestStrip = 1 << 12, ShortestStrip = 1 << 4;

// Of one instruction, in simple ones: what may miss the cache each time, or is a function on some ISA, weighs
// more.
static constexpr unsigned FarAccess = 8, SlowOperation = 32, LongestMove = 256;

static bool isNear(Value *Pointer, const Loop &L, ScalarEvolution &SE) {
    const SCEV *Address = SE.getSCEV(Pointer);
    if (SE.isLoopInvariant(Address, &L))
        return true;
    auto *Rec = dyn_cast<SCEVAddRecExpr>(Address);
    auto *Step = Rec && Rec->getLoop() == &L ? dyn_cast<SCEVConstant>(Rec->getStepRecurrence(SE)) : nullptr;
    return Step && Step->getAPInt().abs().ule(LongestMove);
}

// 0: it may take any time.
static unsigned costOf(const Instruction &I, const Loop &L, ScalarEvolution &SE) {
    if (isa<PHINode>(I) || I.isDebugOrPseudoInst() || I.isLifetimeStartOrEnd())
        return 1;
    if (auto *Move = dyn_cast<MemIntrinsic>(&I)) {
        auto *Size = dyn_cast<ConstantInt>(Move->getLength());
        return Size && Size->getValue().ule(LongestMove) ? SlowOperation : 0;
    }
    if (isa<CallBase>(I))
        return isa<IntrinsicInst>(I) ? SlowOperation : 0;
    if (const Value *Pointer = getLoadStorePointerOperand(&I))
        return isNear(const_cast<Value *>(Pointer), L, SE) ? 1 : FarAccess;
    bool Slow =
        I.isAtomic() || I.getType()->getScalarType()->isFP128Ty() || I.getOpcode() == Instruction::FRem;
    return Slow ? SlowOperation : 1;
}

// How many iterations may pass without a point; 0 if that is not known.
static unsigned stripLength(const Loop &L, ScalarEvolution &SE) {
    unsigned Cost = 0;
    for (BasicBlock *BB : L.blocks())
        for (const Instruction &I : *BB) {
            unsigned More = costOf(I, L, SE);
            Cost += More;
            if (!More || Cost > StripCost / ShortestStrip)
                return 0;
        }
    return std::clamp(bit_floor(StripCost / Cost), ShortestStrip, LongestStrip);
}

// By how much a phi of the header grows in each iteration, if it may serve as the counter of Rounds
// iterations: its next value decides whether the loop goes on, and it does not come round before the end. 0:
// it may not.
static int64_t stepOf(PHINode &Phi, const Loop &L, ScalarEvolution &SE, const SCEV *Count) {
    auto *Condition = dyn_cast<ICmpInst>(cast<BranchInst>(L.getLoopLatch()->getTerminator())->getCondition());
    auto *Rec = SE.isSCEVable(Phi.getType()) ? dyn_cast<SCEVAddRecExpr>(SE.getSCEV(&Phi)) : nullptr;
    auto *Step = Rec && Rec->getLoop() == &L ? dyn_cast<SCEVConstant>(Rec->getStepRecurrence(SE)) : nullptr;
    unsigned Width = SE.getTypeSizeInBits(Phi.getType());
    if (!Condition || !Step || Width < SE.getTypeSizeInBits(Count->getType()) ||
        Step->getAPInt().abs().ugt(LongestMove) ||
        !is_contained(Condition->operands(), Phi.getIncomingValueForBlock(L.getLoopLatch())))
        return 0;
    APInt Rounds = SE.getUnsignedRangeMax(SE.applyLoopGuards(Count, &L)).zext(Width + 16) + 1;
    APInt All = Rounds * Step->getAPInt().abs().zext(Width + 16);
    return All.ule(APInt::getOneBitSet(Width + 16, Width)) ? Step->getAPInt().getSExtValue() : 0;
}

static PHINode *makeCounter(const Loop &L, Type *T) {
    IRBuilder<> B(&L.getHeader()->front());
    PHINode *Counter = B.CreatePHI(T, 2, "count");
    B.SetInsertPoint(L.getLoopLatch()->getTerminator());
    Counter->addIncoming(ConstantInt::get(T, 0), L.getLoopPreheader());
    Counter->addIncoming(B.CreateAdd(Counter, ConstantInt::get(T, 1)), L.getLoopLatch());
    return Counter;
}

std::optional<Strips> findStrips(Loop &L, ScalarEvolution &SE, const TargetTransformInfo &TTI) {
    BasicBlock *Latch = L.getLoopLatch(), *Before = L.getLoopPreheader();
    if (!L.isInnermost() || !Latch || !Before || !L.isLoopExiting(Latch) ||
        !isa<BranchInst>(Latch->getTerminator()))
        return std::nullopt;
    unsigned Length = stripLength(L, SE);
    const SCEV *Count = SE.getExitCount(&L, Latch);
    if (!Length || isa<SCEVCouldNotCompute>(Count) || SE.getTypeSizeInBits(Count->getType()) < 32)
        return std::nullopt;
    SCEVExpander Expander(SE, SE.getDataLayout(), "strip");
    Instruction *At = Before->getTerminator();
    if (!Expander.isSafeToExpandAt(Count, At) ||
        Expander.isHighCostExpansion(Count, &L, SCEVCheapExpansionBudget, &TTI, At))
        return std::nullopt;
    PHINode *Counter = nullptr;
    int64_t Step = 0;
    for (PHINode &Phi : L.getHeader()->phis())
        if (int64_t Found = stepOf(Phi, L, SE, Count); Found && (!Step || Found == 1)) {
            Counter = &Phi;
            Step = Found;
        }
    if (!Counter) {
        Counter = makeCounter(L, Count->getType());
        Step = 1;
    }
    const SCEV *Start = SE.getSCEV(Counter->getIncomingValueForBlock(Before));
    Type *T = SE.getEffectiveSCEVType(Counter->getType());
    const SCEV *Rounds = SE.getAddExpr(SE.getNoopOrZeroExtend(Count, T), SE.getOne(T));
    const SCEV *End = SE.getAddExpr(Start, SE.getMulExpr(Rounds, SE.getConstant(T, Step, true)));
    Value *Last = Expander.expandCodeFor(End, Counter->getType(), At);
    if (!L.getExitingBlock() &&
        !isGuaranteedNotToBeUndefOrPoison(
            Last)) // an exit that is not reached may not look at a number that is not one
        Last = IRBuilder<>(At).CreateFreeze(Last);
    return Strips{L.getHeader(), Latch, Counter, Step, Last, Length};
}

// The counter at the end of a strip that begins with From.
static Value *stopOf(IRBuilder<> &B, const Strips &S, Value *From) {
    bool IsPointer = From->getType()->isPointerTy();
    Type *T = IsPointer ? B.getInt64Ty() : From->getType();
    Value *Here = B.CreatePtrToInt(From, T), *End = B.CreatePtrToInt(S.End, T);
    Value *Left = S.Step > 0 ? B.CreateSub(End, Here) : B.CreateSub(Here, End);
    Constant *Most = ConstantInt::get(T, S.Length * uint64_t(std::abs(S.Step)));
    Value *Way = B.CreateBinaryIntrinsic(Intrinsic::umin, Left, Most);
    if (S.Step < 0)
        Way = B.CreateNeg(Way);
    return IsPointer ? B.CreatePtrAdd(From, Way, "stop") : B.CreateAdd(From, Way, "stop");
}

// The strip's first iteration's values, and where it stops: there the next strip begins.
static BasicBlock *makeStripHeader(const Strips &S, BasicBlock *Again, Value *&Stop) {
    // Not as it was when the loop was found: points may have been put into the block before it.
    BasicBlock *Before = *find_if(predecessors(S.Header), [&](BasicBlock *BB) { return BB != S.Latch; });
    BasicBlock *Strip = BasicBlock::Create(S.Header->getContext(), "strip", S.Header->getParent(), S.Header);
    IRBuilder<> B(Strip);
    PHINode *Counter = nullptr;
    for (PHINode &Phi : S.Header->phis()) {
        PHINode *First = B.CreatePHI(Phi.getType(), 2, Phi.getName() + ".from");
        int Index = Phi.getBasicBlockIndex(Before);
        First->addIncoming(Phi.getIncomingValue(Index), Before);
        Phi.setIncomingValue(Index, First);
        Phi.setIncomingBlock(Index, Strip);
        if (&Phi == S.Counter)
            Counter = First;
        else
            First->addIncoming(Phi.getIncomingValueForBlock(S.Latch), Again);
    }
    Stop = stopOf(B, S, Counter);
    Counter->addIncoming(Stop, Again);
    B.CreateBr(S.Header);
    Before->getTerminator()->replaceSuccessorWith(S.Header, Strip);
    return Strip;
}

StripLoop makeStrips(const Strips &S) {
    LLVMContext &C = S.Header->getContext();
    Function *F = S.Header->getParent();
    BasicBlock *Done = BasicBlock::Create(C, "strip.done", F),
               *Again = BasicBlock::Create(C, "strip.again", F);
    Value *Stop = nullptr;
    BasicBlock *Strip = makeStripHeader(S, Again, Stop);
    auto *Branch = cast<BranchInst>(S.Latch->getTerminator());
    bool LeavesFirst = Branch->getSuccessor(1) == S.Header;
    BasicBlock *Exit = Branch->getSuccessor(!LeavesFirst);
    Value *Old = Branch->getCondition(), *Next = S.Counter->getIncomingValueForBlock(S.Latch);
    IRBuilder<> B(Branch);
    Branch->setCondition(LeavesFirst ? B.CreateICmpEQ(Next, Stop) : B.CreateICmpNE(Next, Stop));
    Branch->setSuccessor(!LeavesFirst, Done);
    Exit->replacePhiUsesWith(S.Latch, Done);
    B.SetInsertPoint(Done);
    B.CreateCondBr(B.CreateICmpEQ(Stop, S.End), Exit, Again);
    B.SetInsertPoint(Again);
    B.CreateBr(Strip);
    return {Strip, Again, Old};
}

} // namespace popcorn
