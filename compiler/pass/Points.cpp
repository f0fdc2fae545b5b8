// SPDX-License-Identifier: MIT
//
// Migration points. A point is a load and a never-taken branch on a flag; the call behind it is cold, and
// keeps the caller's general registers, so that a loop need not be built around a call it never makes. Points
// stand where time can pass without bound: in the header of each loop that may run long, and at the entry of
// a function on each cycle of the call graph. A loop whose inner loop polls in every round needs none of its
// own. Code that libc's build marks as plain (work bounded by its arguments: strings, numbers, printf) and
// what the code generator itself may call have none.

#include "Steps.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace popcorn {

// A loop of at most so many rounds, counting those of the loops in it, ends soon enough.
static constexpr unsigned ShortLoop = 256;

static bool isPlain(const Function &F, const TargetLibraryInfo &TLI) {
    LibFunc Known;
    return F.getSection() == PlainSection || TLI.getLibFunc(F.getName(), Known) ||
           F.getName().starts_with("__popcorn");
}

static void insertPoint(Instruction *At) {
    Module &M = *At->getModule();
    IRBuilder<> B(At);
    auto *Flag = M.getOrInsertGlobal("__popcorn_flag", B.getInt8Ty());
    auto *Load = B.CreateLoad(B.getInt8Ty(), Flag, true);
    Value *Set = B.CreateICmpNE(Load, B.getInt8(0));
    MDNode *Never = MDBuilder(M.getContext()).createUnlikelyBranchWeights();
    Instruction *Then = SplitBlockAndInsertIfThen(Set, At->getIterator(), false, Never);
    FunctionCallee Point = M.getOrInsertFunction("__popcorn_point", B.getVoidTy());
    auto *Callee = cast<Function>(Point.getCallee());
    Callee->addFnAttr(Attribute::Cold);
    Callee->setCallingConv(CallingConv::PreserveMost);
    CallInst *Call = IRBuilder<>(Then).CreateCall(Point);
    Call->addFnAttr(Attribute::Cold);
    Call->setCallingConv(CallingConv::PreserveMost);
}

namespace {
class LoopPoints {
  public:
    LoopPoints(Function &F, FunctionAnalysisManager &FAM)
        : LI(FAM.getResult<LoopAnalysis>(F)), SE(FAM.getResult<ScalarEvolutionAnalysis>(F)),
          DT(FAM.getResult<DominatorTreeAnalysis>(F)) {
        for (Loop *L : LI)
            visit(L);
    }

    ArrayRef<BasicBlock *> headers() const {
        return Headers;
    }

  private:
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
        if (!pollsInside(L))
            Headers.push_back(L->getHeader());
        return 0;
    }

    bool pollsInside(const Loop *L) const {
        SmallVector<BasicBlock *, 4> Latches;
        L->getLoopLatches(Latches);
        return any_of(Headers, [&](BasicBlock *H) {
            return L->contains(H) &&
                   all_of(Latches, [&](BasicBlock *Latch) { return DT.dominates(H, Latch); });
        });
    }

    LoopInfo &LI;
    ScalarEvolution &SE;
    DominatorTree &DT;
    SmallVector<BasicBlock *, 8> Headers;
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
    std::vector<Instruction *> At;
    for (Function &F : M)
        if (!F.isDeclaration() && !Plain.count(&F)) {
            LoopPoints Loops(F, FAM);
            for (BasicBlock *Header : Loops.headers())
                At.push_back(&*Header->getFirstInsertionPt());
        }
    Recursion Recursive(M);
    for (Function *F : Recursive.entries())
        if (!Plain.count(F))
            At.push_back(afterAllocas(F->getEntryBlock()));
    for (Instruction *I : At)
        insertPoint(I);
}

} // namespace popcorn
