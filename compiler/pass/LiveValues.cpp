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

std::vector<std::vector<Value *>> liveAcross(Function &F, ArrayRef<CallInst *> Calls) {
    for (CallInst *Call : Calls) {
        Call->setTailCallKind(CallInst::TCK_NoTail);
        SplitBlock(Call->getParent(), Call->getNextNode());
    }
    Liveness Live(F);
    std::vector<std::vector<Value *>> Out;
    for (CallInst *Call : Calls) {
        Out.push_back(Live.leaving(Call->getParent()));
        erase(Out.back(), Call);
    }
    return Out;
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
    std::vector<CallInst *> Calls;
    for (Instruction &I : instructions(F))
        if (auto *Call = dyn_cast<CallInst>(&I); Call && (Who.mayMigrate(*Call) || isSetjmp(*Call))) {
            Fr.HasSetjmp |= isSetjmp(*Call);
            Calls.push_back(Call);
        }
    std::vector<std::vector<Value *>> Live = liveAcross(F, Calls);
    DenseMap<Value *, unsigned> Known;
    if (Fr.HasSetjmp)
        indexOf(Fr, Known, Base);
    for (size_t I = 0; I < Calls.size(); I++) {
        Site S{Calls[I], NextSite++, isSetjmp(*Calls[I]), {}};
        if (Fr.HasSetjmp && !is_contained(Live[I], Base))
            Live[I].push_back(Base);
        for (Value *V : Live[I])
            S.Live.push_back(indexOf(Fr, Known, V));
        sort(S.Live);
        Fr.Sites.push_back(std::move(S));
    }
    return Fr;
}

} // namespace popcorn
