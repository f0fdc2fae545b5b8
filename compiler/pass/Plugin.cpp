// SPDX-License-Identifier: MIT
//
// What the pass does to a program, and why.
//
// It gets the whole program, libc included, as one optimised module of the common ABI, and makes of it a
// module from which every ISA's code can be generated such that a thread can leave one ISA's code at a
// migration point and go on in another's:
//
//  - every object that has an address gets the same address everywhere: globals by fixed sections,
//    thread-local variables behind the thread pointer, escaping locals on a data stack in portable memory. So
//    no pointer is ever fixed up. What is left on a native stack is return addresses and scalars.
//  - a call in which a migration can happen becomes a gc.statepoint, whose stack map tells, at its return
//    address, where each live value is. The thread's stack is captured by unwinding it with these maps.
//  - every function that has such calls gets a second body, f.resume, which loads a captured frame, calls
//    the next inner frame's resume body and goes on behind the call. So every ISA's own code builds its own
//    frames, and nobody has to know what a backend hides in them.
//
// `-passes=popcorn` does all of it; `-passes=popcorn-plain` only the first part, for a program that shall
// never move. `-passes=popcorn-keep` comes first, before the optimiser: Keep.cpp. `-passes=popcorn-image<>`
// is each image's own: Image.cpp, Levels.cpp; `-passes=popcorn-emit` writes its object file: Emit.cpp.

#include "Image.h"
#include "Keep.h"
#include "Steps.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Passes/PassPlugin.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace popcorn {

static std::vector<Frame> makeFrames(Module &M, uint32_t &NextSite) {
    Migratability Who(M);
    std::vector<Frame> Frames;
    for (Function &F : M) {
        if (F.isDeclaration())
            continue;
        bool Migratable = Who.functions().count(&F);
        lowerSetjmp(F, Migratable);
        DataFrame Data = moveToDataStack(F, Migratable);
        if (!Migratable)
            continue;
        setSetjmpBase(F, Data.Base);
        Frames.push_back(findSites(F, Who, Data, NextSite));
    }
    for (Frame &Fr : Frames) {
        fillSetjmpAreas(Fr);
        makeStatepoints(Fr);
    }
    for (Frame &Fr : Frames)
        makeResumeBody(Fr);
    return Frames;
}

class PopcornPass : public PassInfoMixin<PopcornPass> {
  public:
    explicit PopcornPass(bool Migration) : Migration(Migration) {}

    PreservedAnalyses run(Module &M, ModuleAnalysisManager &MAM) {
        refuseUnsupported(M);
        // A function has up to three bodies, none of them the source's: its lines were for the messages.
        StripDebugInfo(M);
        std::vector<Symbol> Symbols = findSymbols(M);
        freeHelperNames(M);
        lowerStrictHalves(M);
        joinNamedSections(M);
        lowerLockedAtomics(M);
        lowerToCommonAbi(M);
        lowerBuiltinJumps(M);
        for (Function &F : M)
            lowerFrameAddresses(F);
        ThreadLocalMap ThreadLocals = lowerThreadLocals(M);
        lowerConstructors(M);
        emitSymbols(M, Symbols, ThreadLocals);
        if (Migration)
            insertPoints(M, MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager());
        fixLayout(M);
        std::vector<Frame> Frames;
        uint32_t NextSite = 1;
        if (Migration)
            Frames = makeFrames(M, NextSite);
        else
            for (Function &F : M)
                lowerSetjmp(F, false);
        emitTables(M, Frames, NextSite);
        declareLibraryFunctions(M);
        listUndefined(M);
        if (verifyModule(M, &errs()))
            report_fatal_error("popcorn: the pass made an invalid module");
        return PreservedAnalyses::none();
    }

    static bool isRequired() {
        return true;
    }

  private:
    bool Migration;
};

// A step that stands alone.
class StepPass : public PassInfoMixin<StepPass> {
  public:
    explicit StepPass(void (*Step)(Module &)) : Step(Step) {}

    PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
        Step(M);
        return PreservedAnalyses::none();
    }

    static bool isRequired() {
        return true;
    }

  private:
    void (*Step)(Module &);
};

static bool parsePipelineElement(PassBuilder &PB, StringRef Name, ModulePassManager &MPM) {
    if (Name == "popcorn-keep")
        MPM.addPass(StepPass(keepVisible));
    else if (Name.consume_front("popcorn-image<") && Name.consume_back(">"))
        MPM.addPass(ImagePass(PB, Name));
    else if (Name == "popcorn-levels")
        MPM.addPass(StepPass(makeLevels));
    else if (Name == "popcorn-levels-end")
        MPM.addPass(StepPass(dropPoorLevels));
    else if (Name == "popcorn-emit")
        MPM.addPass(StepPass(emitObject));
    else if (Name == "popcorn" || Name == "popcorn-plain")
        MPM.addPass(PopcornPass(Name == "popcorn"));
    else
        return false;
    return true;
}

} // namespace popcorn

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo llvmGetPassPluginInfo() {
    return {LLVM_PLUGIN_API_VERSION, "popcorn", LLVM_VERSION_STRING, [](PassBuilder &PB) {
                PB.registerPipelineParsingCallback(
                    [&PB](StringRef Name, ModulePassManager &MPM, ArrayRef<PassBuilder::PipelineElement>) {
                        return popcorn::parsePipelineElement(PB, Name, MPM);
                    });
            }};
}
