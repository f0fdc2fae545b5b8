// SPDX-License-Identifier: MIT
//
// A frame record is made of 8-byte slots, a statepoint records scalars of at most 8 bytes. A wider or an odd
// value (aggregate, vector, i128, fp128, i1, i24…) is cut into pieces that have the same meaning on every
// ISA.

#ifndef POPCORN_PASS_PIECES_H
#define POPCORN_PASS_PIECES_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"

namespace popcorn {

using Pieces = llvm::SmallVector<llvm::Value *, 4>;

// The number of slots that a value of type T takes.
unsigned pieceCount(llvm::Type *T);

// Cuts V into pieceCount() scalars, each an i8, i16, i32, i64, float, double or ptr.
Pieces cut(llvm::IRBuilder<> &B, llvm::Value *V);

// Puts a value of type T together from slots at Image[Slot…].
llvm::Value *loadFromSlots(llvm::IRBuilder<> &B, llvm::Type *T, llvm::Value *Image, unsigned Slot);
void storeToSlots(llvm::IRBuilder<> &B, llvm::Value *V, llvm::Value *Image, unsigned Slot);

} // namespace popcorn

#endif
