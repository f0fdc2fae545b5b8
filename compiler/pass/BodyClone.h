// SPDX-License-Identifier: MIT

#ifndef POPCORN_PASS_BODYCLONE_H
#define POPCORN_PASS_BODYCLONE_H

#include "llvm/IR/Function.h"
#include "llvm/Transforms/Utils/ValueMapper.h"
#include <vector>

namespace popcorn {

// A clone of a function that is entered elsewhere than at its beginning, as RetT clone(ptr). What the
// original's arguments were is found in memory: a placeholder stands for each until its uses are replaced.
struct BodyClone {
    BodyClone(llvm::Function &F, const llvm::Twine &Suffix);

    bool isPlaceholder(const llvm::Value *V) const;

    // A new first block.
    llvm::BasicBlock *makeEntrance(llvm::StringRef Name);

    // Removes what the entrance does not reach, and the placeholders.
    void finish();
    void removeDeadInstructions();

    llvm::Function *N;
    llvm::ValueToValueMapTy Map;
    std::vector<llvm::Instruction *> Placeholders;
};

} // namespace popcorn

#endif
