// SPDX-License-Identifier: MIT
//
// An object file of popcorn-clang's is the ELF file that other tools expect, and the bitcode that popcorn-ld
// takes lies in one of its sections (-ffat-lto-objects). Code in it would be riscv64's and used by nobody; to
// make it would nearly double the time to compile. So this plugin of clang's, run when the bitcode has been
// put away, leaves what tools look for: every symbol defined or referred to, and all data. Of a function a
// trap is left.

#include "Objects.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Passes/PassPlugin.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace popcorn {

static void leaveTrap(Function &F) {
    GlobalValue::LinkageTypes Linkage = F.getLinkage();
    F.deleteBody(); // which makes it external
    F.setLinkage(Linkage);
    IRBuilder<> B(BasicBlock::Create(F.getContext(), "", &F));
    B.CreateIntrinsic(Intrinsic::trap, {}, {});
    B.CreateUnreachable();
}

// Names that code referred to would not be in the symbol table otherwise.
static void declareReferences(Module &M, ArrayRef<const GlobalValue *> Declared) {
    for (const GlobalValue *G : Declared)
        M.appendModuleInlineAsm((G->hasExternalWeakLinkage() ? ".weak \"" : ".globl \"") +
                                G->getName().str() + "\"");
}

static std::vector<const GlobalValue *> usedDeclarations(const Module &M) {
    std::vector<const GlobalValue *> Used;
    for (const GlobalValue &G : M.global_values()) {
        auto *F = dyn_cast<Function>(&G);
        if (G.isDeclaration() && !G.use_empty() && !G.getName().starts_with("llvm.") &&
            !(F && F->isIntrinsic()))
            Used.push_back(&G);
    }
    return Used;
}

class SkeletonPass : public PassInfoMixin<SkeletonPass> {
  public:
    PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
        if (!M.getNamedMetadata("llvm.embedded.objects")) // the bitcode is not put away yet
            return PreservedAnalyses::all();
        std::vector<const GlobalValue *> Used = usedDeclarations(M);
        std::vector<GlobalValue *> Kept;
        M.setModuleInlineAsm("");
        StripDebugInfo(M);
        for (Function &F : M)
            if (!F.isDeclaration() && !F.hasAvailableExternallyLinkage()) {
                leaveTrap(F);
                Kept.push_back(&F);
            }
        for (GlobalVariable &G : M.globals())
            if (!G.isDeclaration() && !G.getName().starts_with("llvm."))
                Kept.push_back(&G);
        declareReferences(M, Used);
        appendToCompilerUsed(M, Kept);
        return PreservedAnalyses::none();
    }

    static bool isRequired() {
        return true;
    }
};

static void registerCallbacks(PassBuilder &PB) {
    PB.registerPipelineStartEPCallback(
        [](ModulePassManager &MPM, OptimizationLevel) { MPM.addPass(BitIntArgumentsPass()); });
    PB.registerOptimizerEarlyEPCallback(
        [](ModulePassManager &MPM, OptimizationLevel) { MPM.addPass(SkeletonPass()); });
    PB.registerPipelineParsingCallback(
        [](StringRef Name, ModulePassManager &MPM, ArrayRef<PassBuilder::PipelineElement>) {
            if (Name != "popcorn-skeleton")
                return false;
            MPM.addPass(SkeletonPass());
            return true;
        });
}

} // namespace popcorn

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo llvmGetPassPluginInfo() {
    return {LLVM_PLUGIN_API_VERSION, "popcorn-skeleton", LLVM_VERSION_STRING, popcorn::registerCallbacks};
}
