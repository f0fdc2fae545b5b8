// SPDX-License-Identifier: MIT
//
// A _BitInt of 65 to 128 bits among unnamed arguments: clang's front end for riscv64 reads it at the next 8
// bytes, but what a caller passes looks like an __int128, which lies at a multiple of 16. So all of them lie
// there (CommonAbi.cpp), and what reads one is told so here, as long as the front end's own instructions can
// be known: the list's pointer is loaded, moved on by 16, stored, and 128 bits are loaded from where it was.

#include "Objects.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IRBuilder.h"

using namespace llvm;

namespace popcorn {

// The store that moves on the list from which `Read` takes 16 bytes; null if it is no such load.
static StoreInst *findAdvance(LoadInst &Read) {
    auto *At = dyn_cast<LoadInst>(Read.getPointerOperand());
    auto *Advance = dyn_cast_or_null<StoreInst>(Read.getPrevNode());
    if (!Read.getType()->isIntegerTy(128) || Read.getAlign() != 8 || !At || !Advance ||
        Advance->getPointerOperand() != At->getPointerOperand())
        return nullptr;
    auto *Next = dyn_cast<GetElementPtrInst>(Advance->getValueOperand());
    APInt Offset(64, 0);
    bool Is16 = Next && Next->getPointerOperand() == At && Next->getSourceElementType()->isIntegerTy(8) &&
                Next->accumulateConstantOffset(Read.getDataLayout(), Offset) && Offset == 16;
    return Is16 ? Advance : nullptr;
}

static void align(LoadInst &Read, StoreInst &Advance) {
    IRBuilder<> B(cast<Instruction>(Advance.getValueOperand()));
    Value *Up = B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Read.getPointerOperand(), 15);
    Value *Here =
        B.CreateIntrinsic(Intrinsic::ptrmask, {B.getPtrTy(), B.getInt64Ty()}, {Up, B.getInt64(-16ULL)});
    Advance.setOperand(0, B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Here, 16));
    Read.setOperand(LoadInst::getPointerOperandIndex(), Here);
    Read.setAlignment(Align(16));
}

PreservedAnalyses BitIntArgumentsPass::run(Module &M, ModuleAnalysisManager &) {
    for (Function &F : M)
        for (Instruction &I : instructions(F))
            if (auto *Read = dyn_cast<LoadInst>(&I))
                if (StoreInst *Advance = findAdvance(*Read))
                    align(*Read, *Advance);
    return PreservedAnalyses::none();
}

} // namespace popcorn
