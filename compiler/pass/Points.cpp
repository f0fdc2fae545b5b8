// SPDX-License-Identifier: MIT
//
// Migration points. A point is a load and a never-taken branch on a flag; the call behind it is cold, and
// keeps the caller's general registers, so that a loop need not be built around a call it never makes. Points
// stand where time can pass without bound: on the way back to the header of each loop that may run long, so
// that a loop of one round has passed none, and at the entry of a function on each cycle of the call graph.
// Counted loops that call nothing are cut into strips first, and have theirs between strips. A loop whose
// inner loop polls in every round, in its header then, needs none of its own. Code that libc's build marks as
// plain (work bounded by its arguments: strings, numbers, printf) and what the code generator itself may call
// have none.

#include "Steps.h"
#include "StripMine.h"
#include "llvm/Analysis/AssumptionCache.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/LoopSimplify.h"

using namespace llvm;

namespace popcorn {

// A loop of at most so many rounds, counting those of the loops in it, ends soon enough.
static constexpr unsigned ShortLoop = 256;

static bool isPlain(const Function &F, const TargetLibraryInfo &TLI) {
    LibFunc Known;
    return F.getSection() == PlainSection || TLI.getLibFunc(F.getName(), Known) ||
           F.getName().starts_with("__popcorn");
}

bool isPoint(const CallBase &Call) {
    const Function *Callee = Call.getCalledFunction();
    return Callee && Callee->getName() == "__popcorn_point";
}

static Value *isFlagSet(IRBuilder<> &B) {
    Module &M = *B.GetInsertBlock()->getModule();
    auto *Flag = M.getOrInsertGlobal("__popcorn_flag", B.getInt8Ty());
    return B.CreateICmpNE(B.CreateLoad(B.getInt8Ty(), Flag, true), B.getInt8(0));
}

static MDNode *never(LLVMContext &C) {
    return MDBuilder(C).createUnlikelyBranchWeights();
}

static void callPoint(IRBuilder<> B) {
    Module &M = *B.GetInsertBlock()->getModule();
    FunctionCallee Point = M.getOrInsertFunction("__popcorn_point", B.getVoidTy());
    auto *Callee = cast<Function>(Point.getCallee());
    Callee->addFnAttr(Attribute::Cold);
    Callee->setCallingConv(CallingConv::PreserveMost);
    CallInst *Call = B.CreateCall(Point);
    Call->addFnAttr(Attribute::Cold);
    Call->setCallingConv(CallingConv::PreserveMost);
}

static void insertPoint(Instruction *At) {
    IRBuilder<> B(At);
    callPoint(IRBuilder<>(
        SplitBlockAndInsertIfThen(isFlagSet(B), At->getIterator(), false, never(At->getContext()))));
}

// Both ways lead straight to the header: the poll's branch is the loop's.
static void insertPoint(BasicBlock *Header, ArrayRef<BasicBlock *> Latches) {
    BasicBlock *Again = Latches.size() == 1 ? SplitEdge(Latches.front(), Header)
                                            : SplitBlockPredecessors(Header, Latches, ".again");
    BasicBlock *Cold = BasicBlock::Create(Header->getContext(), "point", Header->getParent());
    IRBuilder<> B(Again->getTerminator());
    B.CreateCondBr(isFlagSet(B), Cold, Header, never(Header->getContext()));
    Again->getTerminator()->eraseFromParent();
    callPoint(IRBuilder<>(BranchInst::Create(Header, Cold)));
    for (PHINode &Phi : Header->phis())
        Phi.addIncoming(Phi.getIncomingValueForBlock(Again), Cold);
}

namespace {
// The loops of a function that need points of their own.
class LoopPoints {
  public:
    LoopPoints(Function &F, FunctionAnalysisManager &FAM)
        : LI(FAM.getResult<LoopAnalysis>(F)), SE(FAM.getResult<ScalarEvolutionAnalysis>(F)),
          DT(FAM.getResult<DominatorTreeAnalysis>(F)), TTI(FAM.getResult<TargetIRAnalysis>(F)),
          MayGrow(!F.hasOptSize() && !F.hasOptNone()) {
        if (MayGrow)
            simplifyInnermost(FAM.getResult<AssumptionAnalysis>(F));
        for (Loop *L : LI)
            visit(L);
    }

    void insert() {
        std::vector<SmallVector<BasicBlock *, 4>> Latches(Headers.size());
        for (size_t I = 0; I < Headers.size(); I++)
            LI.getLoopFor(Headers[I])->getLoopLatches(Latches[I]);
        for (size_t I = 0; I < Headers.size(); I++)
            if (PollEachRound.count(Headers[I]))
                insertPoint(&*Headers[I]->getFirstInsertionPt());
            else
                insertPoint(Headers[I], Latches[I]);
        SmallVector<WeakTrackingVH, 8>
            Old; // what it is made of may be the end of another loop until all are cut
        for (const Strips &S : Cut) {
            StripLoop L = makeStrips(S);
            insertPoint(L.Header, L.Latch);
            Old.push_back(L.Old);
        }
        RecursivelyDeleteTriviallyDeadInstructionsPermissive(Old);
    }

  private:
    // Gives them a block before and one latch.
    void simplifyInnermost(AssumptionCache &AC) {
        for (Loop *L : LI.getLoopsInPreorder())
            if (L->isInnermost())
                simplifyLoop(L, &DT, &LI, &SE, &AC, nullptr, false);
    }

    // Returns the most rounds that L and the loops in it take together, or 0 if that is not known to be few.
    unsigned visit(Loop *L) {
        unsigned Inner = 1;
        bool Bounded = true;
        for (Loop *Sub : *L) {
            unsigned Rounds = visit(Sub);
            Bounded &= Rounds != 0;
            Inner += Rounds;
        }
        unsigned Rounds = SE.getSmallConstantMaxTripCount(L);
        if (Bounded && Rounds && Rounds <= ShortLoop && Rounds * Inner <= ShortLoop)
            return Rounds * Inner;
        if (std::optional<Strips> S = MayGrow ? findStrips(*L, SE, TTI) : std::nullopt)
            Cut.push_back(*S);
        else if (!pollsInside(L))
            Headers.push_back(L->getHeader());
        return 0;
    }

    bool pollsInside(const Loop *L) {
        SmallVector<BasicBlock *, 4> Latches;
        L->getLoopLatches(Latches);
        for (BasicBlock *H : Headers)
            if (L->contains(H) &&
                all_of(Latches, [&](BasicBlock *Latch) { return DT.dominates(H, Latch); })) {
                PollEachRound.insert(H);
                return true;
            }
        return false;
    }

    LoopInfo &LI;
    ScalarEvolution &SE;
    DominatorTree &DT;
    TargetTransformInfo &TTI;
    bool MayGrow;
    SmallVector<Strips, 8> Cut;
    SmallVector<BasicBlock *, 8> Headers;
    SmallPtrSet<BasicBlock *, 8> PollEachRound; // those of them that do so for a loop around them
};

// Finds a set of functions that has one of every cycle of direct calls: the targets of a depth-first walk's
// back edges.
class Recursion {
  public:
    explicit Recursion(Module &M) {
        for (Function &F : M)
            if (!F.isDeclaration() && !State.count(&F))
                walk(&F);
    }

    const FunctionSet &entries() const {
        return Entries;
    }

  private:
    enum { Open = 1, Done };

    static std::vector<Function *> calleesOf(Function &F) {
        std::vector<Function *> Out;
        for (Instruction &I : instructions(F))
            if (auto *Call = dyn_cast<CallBase>(&I))
                if (Function *Callee = Call->getCalledFunction(); Callee && !Callee->isDeclaration())
                    Out.push_back(Callee);
        return Out;
    }

    void walk(Function *Root) {
        std::vector<std::pair<Function *, std::vector<Function *>>> Path;
        auto Enter = [&](Function *F) {
            State[F] = Open;
            Path.push_back({F, calleesOf(*F)});
        };
        Enter(Root);
        while (!Path.empty()) {
            auto &[F, Callees] = Path.back();
            if (Callees.empty()) {
                State[F] = Done;
                Path.pop_back();
                continue;
            }
            Function *Next = Callees.back();
            Callees.pop_back();
            if (!State.count(Next))
                Enter(Next);
            else if (State[Next] == Open)
                Entries.insert(Next);
        }
    }

    DenseMap<Function *, int> State;
    FunctionSet Entries;
};
} // namespace

static Instruction *afterAllocas(BasicBlock &BB) {
    BasicBlock::iterator I = BB.getFirstInsertionPt();
    while (isa<AllocaInst>(I))
        ++I;
    return &*I;
}

void insertPoints(Module &M, FunctionAnalysisManager &FAM) {
    SmallPtrSet<Function *, 32> Plain;
    for (Function &F : M)
        if (!F.isDeclaration() && isPlain(F, FAM.getResult<TargetLibraryAnalysis>(F)))
            Plain.insert(&F);
    Recursion Recursive(M);
    for (Function &F : M)
        if (!F.isDeclaration() && !Plain.count(&F))
            LoopPoints(F, FAM).insert();
    for (Function *F : Recursive.entries())
        if (!Plain.count(F))
            insertPoint(afterAllocas(F->getEntryBlock()));
}

} // namespace popcorn
