// SPDX-License-Identifier: MIT
//
// Generates code: `-passes=…,popcorn-emit`. It is what llc does, with opt's options for code generators,
// which are the same, and spares writing and reading the module between the two.

#include "Steps.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/CodeGen/CommandFlags.h"
#include "llvm/CodeGen/MachineModuleInfo.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

static cl::opt<std::string> ObjectFile("popcorn-object",
                                       cl::desc("Where popcorn-emit writes the object file"));
static cl::opt<bool> Quick("popcorn-quick", cl::desc("popcorn-emit generates code quickly, not well"));

namespace popcorn {

// As TargetMachine::addPassesToEmitFile() does, which leaves no place for a pass of ours.
static bool addCodeGenerator(legacy::PassManager &PM, LLVMTargetMachine &TM, raw_pwrite_stream &Out) {
    auto *Info = new MachineModuleInfoWrapperPass(&TM);
    TargetPassConfig *Config = TM.createPassConfig(PM);
    Config->setDisableVerify(true);
    limitSplitting(*Config);
    PM.add(Config);
    PM.add(Info);
    if (Config->addISelPasses())
        return false;
    Config->addMachinePasses();
    Config->setInitialized();
    if (TM.addAsmPrinter(PM, Out, nullptr, CodeGenFileType::ObjectFile, Info->getMMI().getContext()))
        return false;
    PM.add(createFreeMachineFunctionPass());
    return true;
}

void emitObject(Module &M) {
    Triple Target(M.getTargetTriple());
    auto TM = codegen::createTargetMachineForTriple(Target.str(),
                                                    Quick ? CodeGenOptLevel::None : CodeGenOptLevel::Default);
    if (!TM)
        report_fatal_error("popcorn: " + Twine(toString(TM.takeError())));
    M.setDataLayout((*TM)->createDataLayout());
    std::error_code Error;
    ToolOutputFile Out(ObjectFile, Error, sys::fs::OF_None);
    if (Error)
        report_fatal_error("popcorn: " + Twine(ObjectFile) + ": " + Error.message());
    legacy::PassManager PM;
    PM.add(new TargetLibraryInfoWrapperPass(Target));
    if (!addCodeGenerator(PM, static_cast<LLVMTargetMachine &>(**TM), Out.os()))
        report_fatal_error("popcorn: no code generator for " + Twine(Target.str()));
    PM.run(M);
    if (M.getContext().getDiagHandlerPtr()->HasErrors) // it has been said
        std::exit(1);
    Out.keep();
}

} // namespace popcorn
