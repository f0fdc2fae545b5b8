// SPDX-License-Identifier: MIT
//
// The optimisation of one image: `-passes=popcorn-image<loops;blocks;unroll>`, with those of the three that
// the link asks for. It is what only the ISA's own cost model can decide, and only where it may gain: a loop
// that holds a site is not changed, so the passes that change loops run on functions with others; and a
// resume body without such a loop runs once a hop, where nothing is won.

#include "Image.h"
#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Passes/PassBuilder.h"

using namespace llvm;

namespace popcorn {

static bool callsNothing(const Loop &L) {
    return all_of(L.blocks(), [](const BasicBlock *BB) {
        return all_of(*BB, [](const Instruction &I) {
            auto *Call = dyn_cast<CallBase>(&I);
            return !Call || (isa<IntrinsicInst>(I) && !Call->getType()->isTokenTy());
        });
    });
}

size_t sizeOfPlainLoops(Function &F) {
    DominatorTree DT(F);
    LoopInfo LI(DT);
    size_t Size = 0;
    for (const Loop *L : LI.getLoopsInPreorder())
        if (L->isInnermost() && callsNothing(*L))
            for (const BasicBlock *BB : L->blocks())
                Size += BB->size();
    return Size;
}

static std::string join(ArrayRef<StringRef> Passes) {
    std::string Text;
    for (StringRef Pass : Passes)
        if (!Pass.empty())
            Text += (Text.empty() ? "" : ",") + Pass.str();
    return Text;
}

static FunctionPassManager parse(PassBuilder &PB, ArrayRef<StringRef> Passes) {
    FunctionPassManager FPM;
    if (Error E = PB.parsePassPipeline(FPM, join(Passes)))
        report_fatal_error("popcorn: " + Twine(toString(std::move(E))));
    return FPM;
}

ImagePass::ImagePass(PassBuilder &PB, StringRef Options) {
    SmallVector<StringRef, 3> Asked;
    Options.split(Asked, ';', -1, false);
    StringRef Clean = "instcombine<no-verify-fixpoint>",
              Loops = is_contained(Asked, "loops") ? "loop-vectorize,loop-load-elim" : "",
              Blocks = is_contained(Asked, "blocks") ? "slp-vectorizer,vector-combine" : "",
              Unroll = is_contained(Asked, "unroll") ? "loop-unroll<O2>" : "";
    WithLoops = parse(PB, {Loops, Clean, Blocks, "infer-alignment", Unroll, Clean});
    Straight = parse(PB, {Clean, Blocks, "infer-alignment"});
}

PreservedAnalyses ImagePass::run(Module &M, ModuleAnalysisManager &MAM) {
    FunctionAnalysisManager &FAM = MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
    for (Function &F : M) {
        if (F.isDeclaration())
            continue;
        bool HasLoops = sizeOfPlainLoops(F);
        if (F.getSection() == POPCORN_SECTION_RESUME && (!HasLoops || F.hasFnAttribute(Attribute::Cold)))
            continue;
        (HasLoops ? WithLoops : Straight).run(F, FAM);
        FAM.clear(F, F.getName());
    }
    return PreservedAnalyses::none();
}

} // namespace popcorn
