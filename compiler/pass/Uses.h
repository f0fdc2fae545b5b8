// SPDX-License-Identifier: MIT

#ifndef POPCORN_PASS_USES_H
#define POPCORN_PASS_USES_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IRBuilder.h"

namespace popcorn {

// Replaces every use of V by a value made right before the user: in a phi, at the end of the incoming block.
inline void replaceEachUse(llvm::Value *V, llvm::function_ref<llvm::Value *(llvm::IRBuilder<> &)> Make) {
    while (!V->use_empty()) {
        llvm::Use &U = *V->use_begin();
        auto *User = llvm::cast<llvm::Instruction>(U.getUser());
        auto *Phi = llvm::dyn_cast<llvm::PHINode>(User);
        if (!Phi) {
            llvm::IRBuilder<> B(User);
            U.set(Make(B));
            continue;
        }
        llvm::BasicBlock *From = Phi->getIncomingBlock(U);
        llvm::IRBuilder<> B(From->getTerminator());
        llvm::Value *New = Make(B);
        for (unsigned I = 0; I < Phi->getNumIncomingValues(); I++)
            if (Phi->getIncomingBlock(I) == From)
                Phi->setIncomingValue(I, New);
    }
}

} // namespace popcorn

#endif
