// SPDX-License-Identifier: MIT
//
// Loops whose points lie outside of them: StripMine.cpp says how.

#ifndef POPCORN_PASS_STRIP_MINE_H
#define POPCORN_PASS_STRIP_MINE_H

#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/Instructions.h"
#include <optional>

namespace popcorn {

// How a loop is to be cut into strips.
struct Strips {
    llvm::BasicBlock *Header, *Latch;
    llvm::PHINode *Counter;   // an integer or a pointer
    int64_t Step;             // what it grows by in each iteration
    llvm::WeakTrackingVH End; // its value when the loop is done
    unsigned Length;          // iterations of a strip
};

// The loop around a loop that has been cut: a point belongs between its latch and its header.
struct StripLoop {
    llvm::BasicBlock *Header, *Latch;
    llvm::Value *Old; // the condition by which the loop ended, of no use now
};

// Plans it, if the loop is such a one; makes the counter and its end, but leaves the blocks as they are.
std::optional<Strips> findStrips(llvm::Loop &L, llvm::ScalarEvolution &SE,
                                 const llvm::TargetTransformInfo &TTI);

// Does it. Analyses of the function's blocks are no longer true.
StripLoop makeStrips(const Strips &S);

} // namespace popcorn

#endif
