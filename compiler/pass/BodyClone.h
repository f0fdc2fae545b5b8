// SPDX-License-Identifier: MIT

#ifndef POPCORN_PASS_BODYCLONE_H
#define POPCORN_PASS_BODYCLONE_H

#include "Steps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Transforms/Utils/ValueMapper.h"
#include <vector>

namespace popcorn {

// A clone of a function that is entered elsewhere than at its beginning, as RetT clone(ptr). What the
// original's arguments were is found in memory: a placeholder stands for each until its uses are replaced.
struct BodyClone {
    BodyClone(const Frame &Fr, const llvm::Twine &Suffix);

    bool isPlaceholder(const llvm::Value *V) const;

    // A new first block.
    llvm::BasicBlock *makeEntrance(llvm::StringRef Name);

    // A value of the original that the entrance makes too: its uses in the clone read a home in memory, to
    // which the entrance may store; promoteHomes() turns the homes, and more of the kind, into phis where they
    // belong.
    llvm::AllocaInst *homeOf(llvm::Value *Original);
    void promoteHomes(llvm::ArrayRef<llvm::AllocaInst *> More = {});

    // Removes what the entrance does not reach, and the placeholders.
    void finish();
    void removeDeadInstructions();

    llvm::Function *N;
    llvm::ValueToValueMapTy Map;
    std::vector<llvm::Instruction *> Placeholders;

  private:
    void keepFrame(const Site &S);
    void goThrough(llvm::AllocaInst *Home, llvm::Instruction *Def);
    llvm::MapVector<llvm::Value *, llvm::AllocaInst *> Homes;
};

} // namespace popcorn

#endif
