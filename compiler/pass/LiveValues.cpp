// SPDX-License-Identifier: MIT
//
// Which values are live across the calls that may migrate. Each such call is made the last instruction of its
// block, so that the live values are those that leave the block, but for the call's own result. The analysis
// is the usual backward one over blocks, on bit vectors of the values that are used outside the block that
// makes them.

#include "Pieces.h"
#include "Steps.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace popcorn {

namespace {
class Liveness {
  public:
    explicit Liveness(Function &F) {
        number(F);
        for (BasicBlock &BB : F)
            Blocks[&BB] = {BitVector(Values.size()), BitVector(Values.size()), BitVector(Values.size())};
        for (BasicBlock &BB : F)
            summarise(BB);
        solve(F);
    }

    std::vector<Value *> leaving(const BasicBlock *BB) const {
        std::vector<Value *> Out;
        for (unsigned I : Blocks.find(BB)->second.Out.set_bits())
            Out.push_back(Values[I]);
        return Out;
    }

  private:
    struct Block {
        BitVector In;  // live at the beginning
        BitVector Out; // live at the end
        BitVector Def;
    };

    static bool crossesBlocks(const Value &V) {
        auto *Def = dyn_cast<Instruction>(&V);
        return any_of(V.users(), [&](const User *U) {
            auto *I = cast<Instruction>(U);
            return !Def || I->getParent() != Def->getParent() || isa<PHINode>(I);
        });
    }

    void add(Value &V) {
        if (V.getType()->isTokenTy() || !crossesBlocks(V))
            return;
        Index[&V] = Values.size();
        Values.push_back(&V);
    }

    void number(Function &F) {
        for (Argument &A : F.args())
            add(A);
        for (Instruction &I : instructions(F))
            add(I);
    }

    void summarise(BasicBlock &BB) {
        Block &B = Blocks[&BB];
        for (Instruction &I : BB) {
            if (auto *Phi = dyn_cast<PHINode>(&I)) {
                for (unsigned N = 0; N < Phi->getNumIncomingValues(); N++)
                    if (auto It = Index.find(Phi->getIncomingValue(N)); It != Index.end())
                        Blocks[Phi->getIncomingBlock(N)].Out.set(It->second);
            } else {
                for (Value *V : I.operands())
                    if (auto It = Index.find(V); It != Index.end() && !B.Def.test(It->second))
                        B.In.set(It->second);
            }
            if (auto It = Index.find(&I); It != Index.end())
                B.Def.set(It->second);
        }
    }

    void solve(Function &F) {
        std::vector<BasicBlock *> Order(po_begin(&F), po_end(&F));
        for (bool Changed = true; Changed;) {
            Changed = false;
            for (BasicBlock *BB : Order) {
                Block &B = Blocks[BB];
                for (BasicBlock *Next : successors(BB))
                    B.Out |= Blocks[Next].In;
                BitVector In = B.Out;
                In.reset(B.Def);
                In |= B.In;
                if (In != B.In) {
                    B.In = std::move(In);
                    Changed = true;
                }
            }
        }
    }

    DenseMap<const Value *, unsigned> Index;
    std::vector<Value *> Values;
    DenseMap<const BasicBlock *, Block> Blocks;
};
} // namespace

void endBlocksAt(ArrayRef<CallInst *> Calls) {
    for (CallInst *Call : Calls) {
        Call->setTailCallKind(CallInst::TCK_NoTail);
        SplitBlock(Call->getParent(), Call->getNextNode());
    }
}

static std::vector<Value *> liveAcross(const Liveness &Live, CallInst *Call) {
    std::vector<Value *> Out = Live.leaving(Call->getParent());
    erase(Out, Call);
    return Out;
}

std::vector<std::vector<Value *>> liveAcross(Function &F, ArrayRef<CallInst *> Calls) {
    endBlocksAt(Calls);
    Liveness Live(F);
    std::vector<std::vector<Value *>> Out;
    for (CallInst *Call : Calls)
        Out.push_back(liveAcross(Live, Call));
    return Out;
}

static std::vector<CallInst *> siteCalls(Function &F, const Migratability &Who) {
    std::vector<CallInst *> Calls;
    for (Instruction &I : instructions(F))
        if (auto *Call = dyn_cast<CallInst>(&I); Call && (Who.mayMigrate(*Call) || isSetjmp(*Call)))
            Calls.push_back(Call);
    return Calls;
}

// The headers of the outermost loops that have a site in them, each cut behind its phis.
static std::vector<BasicBlock *> loopHeaders(Function &F, ArrayRef<CallInst *> Calls) {
    DominatorTree DT(F);
    LoopInfo LI(DT);
    SetVector<BasicBlock *> Headers;
    for (CallInst *Call : Calls)
        if (Loop *L = LI.getLoopFor(Call->getParent()))
            Headers.insert(L->getOutermostLoop()->getHeader());
    for (BasicBlock *Header : Headers)
        SplitBlock(Header, Header->getFirstNonPHIIt());
    return {Headers.begin(), Headers.end()};
}

static unsigned indexOf(Frame &Fr, DenseMap<Value *, unsigned> &Known, Value *V) {
    auto [It, New] = Known.insert({V, Fr.Values.size()});
    if (New) {
        Fr.Values.push_back({WeakTrackingVH(V), Fr.NumSlots});
        Fr.NumSlots += pieceCount(V->getType());
    }
    return It->second;
}

Frame findSites(Function &F, const Migratability &Who, Value *Base, uint32_t &NextSite) {
    Frame Fr;
    Fr.F = &F;
    std::vector<CallInst *> Calls = siteCalls(F, Who);
    Fr.HasSetjmp = any_of(Calls, [](CallInst *Call) { return isSetjmp(*Call); });
    // A native jmp_buf may point into the resumed frame, so that frame must stay.
    std::vector<BasicBlock *> Headers;
    if (!Fr.HasSetjmp)
        Headers = loopHeaders(F, Calls);
    endBlocksAt(Calls);
    Liveness Live(F);

    DenseMap<Value *, unsigned> Known;
    if (Fr.HasSetjmp)
        indexOf(Fr, Known, Base);
    for (CallInst *Call : Calls) {
        Site S{Call, NextSite++, isSetjmp(*Call), {}};
        std::vector<Value *> Values = liveAcross(Live, Call);
        if (Fr.HasSetjmp && !is_contained(Values, Base))
            Values.push_back(Base);
        for (Value *V : Values)
            S.Live.push_back(indexOf(Fr, Known, V));
        sort(S.Live);
        Fr.Sites.push_back(std::move(S));
    }
    for (BasicBlock *Header : Headers) {
        std::vector<Value *> Values = Live.leaving(Header);
        Fr.Loops.push_back({Header, {Values.begin(), Values.end()}});
    }
    return Fr;
}

} // namespace popcorn
