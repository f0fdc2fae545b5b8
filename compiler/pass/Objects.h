// SPDX-License-Identifier: MIT
//
// What the plugin of popcorn-clang's does to each object's module.
#ifndef POPCORN_OBJECTS_H
#define POPCORN_OBJECTS_H

#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"

namespace popcorn {

// BitIntArguments.cpp: as the front end left the module.
class BitIntArgumentsPass : public llvm::PassInfoMixin<BitIntArgumentsPass> {
  public:
    llvm::PreservedAnalyses run(llvm::Module &, llvm::ModuleAnalysisManager &);
    static bool isRequired() {
        return true;
    }
};

} // namespace popcorn

#endif
