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
    explicit LoopBody(Frame &Fr) : Fr(Fr), Body(Fr, ".loop") {}

    Function *build() {
        LLVMContext &C = Body.N->getContext();
        BasicBlock *Entrance = Body.makeEntrance("loop");
        BasicBlock *Nowhere = BasicBlock::Create(C, "nowhere", Body.N);
        new UnreachableInst(C, Nowhere);
        IRBuilder<> B(Entrance);
        Value *Values = Body.N->getArg(0);
        B.CreateStore(loadFromSlots(B, B.getPtrTy(), Values, SlotDataStack), dataStackPointer(B));
        SwitchInst *Switch = B.CreateSwitch(loadFromSlots(B, B.getInt64Ty(), Values, SlotHeader), Nowhere);
        for (unsigned I = 0; I < Fr.Loops.size(); I++)
            Switch->addCase(B.getInt64(I), enterAt(Fr.Loops[I]));
        Body.finish();
        Body.promoteHomes();
        return Body.N;
    }

  private:
    BasicBlock *enterAt(const LoopEntry &L) {
        auto *Header = cast<BasicBlock>(Body.Map.lookup(L.Header));
        BasicBlock *Case = BasicBlock::Create(Body.N->getContext(), "header", Body.N);
        IRBuilder<> B(Case);
        unsigned Slot = FirstValue;
        for (Value *V : L.Live) {
            B.CreateStore(loadFromSlots(B, V->getType(), Body.N->getArg(0), Slot), Body.homeOf(V));
            Slot += pieceCount(V->getType());
        }
        B.CreateBr(Header->getSingleSuccessor());
        return Case;
    }

    Frame &Fr;
    BodyClone Body;
};
} // namespace

void makeLoopBody(Frame &Fr) {
    if (!Fr.Loops.empty())
        Fr.LoopBody = LoopBody(Fr).build();
}

} // namespace popcorn
