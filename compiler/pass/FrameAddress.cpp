// SPDX-License-Identifier: MIT
//
// What a program asks about its own frames. The address of a frame is one on the data stack: the function
// that asks gets an object there, whatever else it needs, so the address falls as calls nest, stays the same
// through every hop, and lies in what pthread_getattr_np calls the thread's stack. Frames farther out and
// return addresses have no name that is good on every ISA, so they are null on each.

#include "Steps.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace popcorn {

static constexpr const char *FrameMark = "popcorn.frame";

bool isFrameMark(const AllocaInst &A) {
    return A.hasMetadata(FrameMark);
}

static AllocaInst *makeMark(Function &F) {
    IRBuilder<> B(&*F.getEntryBlock().getFirstInsertionPt());
    auto *Mark = B.CreateAlloca(ArrayType::get(B.getInt64Ty(), 2));
    Mark->setAlignment(Align(16));
    Mark->setMetadata(FrameMark, MDNode::get(F.getContext(), {}));
    return Mark;
}

static bool isOwnFrame(const IntrinsicInst &I) {
    auto *Level = dyn_cast<ConstantInt>(I.getArgOperand(0));
    return I.getIntrinsicID() == Intrinsic::frameaddress && Level && Level->isZero();
}

void lowerFrameAddresses(Function &F) {
    AllocaInst *Mark = nullptr;
    for (Instruction &I : make_early_inc_range(instructions(F))) {
        auto *Asks = dyn_cast<IntrinsicInst>(&I);
        if (!Asks || (Asks->getIntrinsicID() != Intrinsic::frameaddress &&
                      Asks->getIntrinsicID() != Intrinsic::returnaddress))
            continue;
        Value *Answer = ConstantPointerNull::get(cast<PointerType>(Asks->getType()));
        if (isOwnFrame(*Asks))
            Answer = Mark = Mark ? Mark : makeMark(F);
        Asks->replaceAllUsesWith(Answer);
        Asks->eraseFromParent();
    }
}

} // namespace popcorn
