// SPDX-License-Identifier: MIT
#ifndef POPCORN_PASS_IMAGE_H
#define POPCORN_PASS_IMAGE_H

#include "llvm/IR/PassManager.h"

namespace llvm {
class PassBuilder;
} // namespace llvm

namespace popcorn {

// What an image's own optimiser does with the module that all ISAs share. The options are some of `loops`,
// `blocks` (straight code) and `unroll`, separated by semicolons.
class ImagePass : public llvm::PassInfoMixin<ImagePass> {
  public:
    ImagePass(llvm::PassBuilder &PB, llvm::StringRef Options);
    llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &MAM);

    static bool isRequired() {
        return true;
    }

  private:
    llvm::FunctionPassManager WithLoops, Straight;
};

} // namespace popcorn

#endif
