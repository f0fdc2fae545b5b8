// SPDX-License-Identifier: MIT
//
// What of the module has to be visible, and there, when code is generated: Keep.cpp says why.

#ifndef POPCORN_PASS_KEEP_H
#define POPCORN_PASS_KEEP_H

#include "llvm/IR/Module.h"

namespace popcorn {

// Makes all internal but what native code, the user and code generators refer to.
void keepVisible(llvm::Module &M);

// Declares each function of libm that a code generator may call for what is in the module now, so that
// popcorn-ld sees what is missing.
void declareLibraryFunctions(llvm::Module &M);

// Lists the names that the module needs and does not define, for popcorn-ld.
void listUndefined(const llvm::Module &M);

} // namespace popcorn

#endif
