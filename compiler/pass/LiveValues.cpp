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
#include <numeric>

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

    // Calls Each(values) for each block with those that are live somewhere in it.
    template <typename Function> void inEachBlock(Function Each) const {
        for (auto &[BB, B] : Blocks) {
            BitVector All = B.In;
            All |= B.Out;
            All |= B.Def;
            SmallVector<Value *, 32> Here;
            for (unsigned I : All.set_bits())
                Here.push_back(Values[I]);
            Each(Here);
        }
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

// Takes those out that must be tail calls: no frame lies below them, and nothing lives across.
static std::vector<CallInst *> takeTailCalls(std::vector<CallInst *> &Calls) {
    auto Tails =
        std::stable_partition(Calls.begin(), Calls.end(), [](CallInst *C) { return !C->isMustTailCall(); });
    std::vector<CallInst *> Out(Tails, Calls.end());
    Calls.erase(Tails, Calls.end());
    return Out;
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
    if (New)
        Fr.Values.push_back({WeakTrackingVH(V), 0});
    return It->second;
}

// Values that are never live in one block may share a slot, in the frame image and so in the record. Those
// used most get the lowest slots, which the shortest instructions reach.
static void assignSlots(Frame &Fr, const Liveness &Live, const DenseMap<Value *, unsigned> &Known) {
    std::vector<BitVector> Conflicts(Fr.Values.size(), BitVector(Fr.Values.size()));
    Live.inEachBlock([&](ArrayRef<Value *> Here) {
        BitVector Recorded(Fr.Values.size());
        for (Value *V : Here)
            if (auto It = Known.find(V); It != Known.end())
                Recorded.set(It->second);
        for (unsigned I : Recorded.set_bits())
            Conflicts[I] |= Recorded;
    });
    std::vector<unsigned> Order(Fr.Values.size());
    std::iota(Order.begin(), Order.end(), 0);
    auto Rest = Order.begin() + (Fr.HasSetjmp && !Order.empty()); // the data-stack base stays first
    std::stable_sort(Rest, Order.end(), [&](unsigned A, unsigned B) {
        return Fr.Values[A].V->getNumUses() > Fr.Values[B].V->getNumUses();
    });
    if (Fr.HasSetjmp) // recorded at every site: nothing may share its slot
        for (unsigned I : Order) {
            Conflicts[0].set(I);
            Conflicts[I].set(0);
        }
    std::vector<BitVector> Holders; // of each slot
    for (unsigned I : Order) {
        unsigned Count = pieceCount(Fr.Values[I].V->getType());
        auto IsFree = [&](unsigned Slot) {
            return Slot >= Holders.size() || !Holders[Slot].anyCommon(Conflicts[I]);
        };
        unsigned Slot = 0;
        for (unsigned Run = 0; Run < Count; Slot++)
            Run = IsFree(Slot) ? Run + 1 : 0;
        Fr.Values[I].Slot = Slot -= Count;
        Holders.resize(std::max<size_t>(Holders.size(), Slot + Count), BitVector(Fr.Values.size()));
        for (unsigned N = Slot; N < Slot + Count; N++)
            Holders[N].set(I);
    }
    Fr.NumSlots = Holders.size();
    for (Site &S : Fr.Sites)
        sort(S.Live, [&](unsigned A, unsigned B) { return Fr.Values[A].Slot < Fr.Values[B].Slot; });
}

Frame findSites(Function &F, const Migratability &Who, const DataFrame &Data, uint32_t &NextSite) {
    Frame Fr;
    Fr.F = &F;
    std::vector<CallInst *> Calls = siteCalls(F, Who), TailCalls = takeTailCalls(Calls);
    Fr.HasSetjmp = any_of(Calls, [](CallInst *Call) { return isSetjmp(*Call); });
    // A native jmp_buf may point into the resumed frame, so that frame must stay.
    std::vector<BasicBlock *> Headers;
    if (!Fr.HasSetjmp)
        Headers = loopHeaders(F, Calls);
    endBlocksAt(Calls);
    if (!Fr.HasSetjmp)
        reloadBase(F, Data, Calls);
    rematerialise(F);
    Liveness Live(F);

    DenseMap<Value *, unsigned> Known;
    if (Fr.HasSetjmp)
        indexOf(Fr, Known, Data.Base);
    for (CallInst *Call : Calls) {
        Site S{Call, NextSite++, isSetjmp(*Call), false, {}};
        for (Value *V : liveAcross(Live, Call))
            S.Live.push_back(indexOf(Fr, Known, V));
        if (Fr.HasSetjmp && !is_contained(S.Live, 0))
            S.Live.push_back(0);
        Fr.Sites.push_back(std::move(S));
    }
    for (CallInst *Call : TailCalls)
        Fr.Sites.push_back({Call, NextSite++, false, true, {}});
    assignSlots(Fr, Live, Known);
    for (BasicBlock *Header : Headers) {
        std::vector<Value *> Values = Live.leaving(Header);
        Fr.Loops.push_back({Header, {Values.begin(), Values.end()}});
    }
    return Fr;
}

} // namespace popcorn
