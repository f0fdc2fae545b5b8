// SPDX-License-Identifier: MIT
//
// A resume body keeps its values in memory, and would do so until the call ends, which for a main loop may be
// hours. So it has no loops: where it reaches the header of a loop that has sites, it hands the live values
// over, on the data stack, to the function's loop body, and is replaced by it. The loop body is a clone of
// the function that is entered only at such headers; behind them it is ordinary code with ordinary
// statepoints, of the same sites.
//
// What is handed over, from the lowest address: which header; the data stack pointer as it was; the live
// values in slots.

#include "BodyClone.h"
#include "Pieces.h"
#include "Steps.h"
#include "llvm/IR/Dominators.h"
#include "llvm/Transforms/Utils/PromoteMemToReg.h"

using namespace llvm;

namespace popcorn {

enum { SlotHeader, SlotDataStack, FirstValue };

static unsigned slotCount(const LoopEntry &L) {
    unsigned Count = FirstValue;
    for (Value *V : L.Live)
        Count += pieceCount(V->getType());
    return Count;
}

void handOver(IRBuilder<> &B, const Frame &Fr, unsigned Loop, const ValueToValueMapTy &Map) {
    const LoopEntry &L = Fr.Loops[Loop];
    Value *Top = B.CreateLoad(B.getPtrTy(), dataStackPointer(B));
    Value *Values = B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Top, -int64_t(alignTo(8 * slotCount(L), 16)));
    B.CreateStore(Values, dataStackPointer(B));
    storeToSlots(B, B.getInt64(Loop), Values, SlotHeader);
    storeToSlots(B, Top, Values, SlotDataStack);
    unsigned Slot = FirstValue;
    for (Value *V : L.Live) {
        storeToSlots(B, Map.lookup(V), Values, Slot);
        Slot += pieceCount(V->getType());
    }
    CallInst *Call = B.CreateCall(Fr.LoopBody, {Values});
    Call->setTailCallKind(CallInst::TCK_MustTail);
    if (Call->getType()->isVoidTy())
        B.CreateRetVoid();
    else
        B.CreateRet(Call);
}

namespace {
class LoopBody {
  public:
    explicit LoopBody(Frame &Fr) : Fr(Fr), Body(*Fr.F, ".loop") {}

    Function *build() {
        LLVMContext &C = Body.N->getContext();
        BasicBlock *Entrance = Body.makeEntrance("loop");
        BasicBlock *Nowhere = BasicBlock::Create(C, "nowhere", Body.N);
        new UnreachableInst(C, Nowhere);
        IRBuilder<> B(Entrance);
        giveHomes(B);
        Value *Values = Body.N->getArg(0);
        B.CreateStore(loadFromSlots(B, B.getPtrTy(), Values, SlotDataStack), dataStackPointer(B));
        SwitchInst *Switch = B.CreateSwitch(loadFromSlots(B, B.getInt64Ty(), Values, SlotHeader), Nowhere);
        for (unsigned I = 0; I < Fr.Loops.size(); I++)
            Switch->addCase(B.getInt64(I), enterAt(Fr.Loops[I]));
        Body.finish();
        DominatorTree DT(*Body.N);
        PromoteMemToReg(Homes, DT);
        return Body.N;
    }

  private:
    // A value that is live at a header has two makers, its own instruction and the entrance: it goes through
    // memory for a moment, and the promotion of that memory puts the phis where they belong.
    void giveHomes(IRBuilder<> &B) {
        for (const LoopEntry &L : Fr.Loops)
            for (Value *V : L.Live) {
                AllocaInst *&Home = HomeOf[V];
                if (Home)
                    continue;
                Home = B.CreateAlloca(V->getType());
                Homes.push_back(Home);
                goThrough(cast<Instruction>(Body.Map.lookup(V)), Home);
            }
    }

    void goThrough(Instruction *Def, AllocaInst *Home) {
        SmallVector<Use *, 16> Uses;
        for (Use &U : Def->uses())
            Uses.push_back(&U);
        DenseMap<BasicBlock *, Value *> AtEnd; // several edges of one block to a phi must carry one value
        for (Use *U : Uses) {
            auto *User = cast<Instruction>(U->getUser());
            auto *Phi = dyn_cast<PHINode>(User);
            BasicBlock *Where = Phi ? Phi->getIncomingBlock(*U) : User->getParent();
            Value *&Loaded = AtEnd[Where];
            if (Phi && Loaded) {
                U->set(Loaded);
                continue;
            }
            IRBuilder<> B(Phi ? Where->getTerminator() : User);
            Value *Load = B.CreateLoad(Def->getType(), Home);
            if (Phi)
                Loaded = Load;
            U->set(Load);
        }
        if (Body.isPlaceholder(Def))
            return;
        IRBuilder<> B(isa<PHINode>(Def) ? &*Def->getParent()->getFirstInsertionPt() : Def->getNextNode());
        B.CreateStore(Def, Home);
    }

    BasicBlock *enterAt(const LoopEntry &L) {
        auto *Header = cast<BasicBlock>(Body.Map.lookup(L.Header));
        BasicBlock *Case = BasicBlock::Create(Body.N->getContext(), "header", Body.N);
        IRBuilder<> B(Case);
        unsigned Slot = FirstValue;
        for (Value *V : L.Live) {
            B.CreateStore(loadFromSlots(B, V->getType(), Body.N->getArg(0), Slot), HomeOf[V]);
            Slot += pieceCount(V->getType());
        }
        B.CreateBr(Header->getSingleSuccessor());
        return Case;
    }

    Frame &Fr;
    BodyClone Body;
    std::vector<AllocaInst *> Homes;
    DenseMap<Value *, AllocaInst *> HomeOf;
};
} // namespace

void makeLoopBody(Frame &Fr) {
    if (!Fr.Loops.empty())
        Fr.LoopBody = LoopBody(Fr).build();
}

} // namespace popcorn
