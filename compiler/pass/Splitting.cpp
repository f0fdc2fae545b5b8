// SPDX-License-Identifier: MIT
//
// How hard the register allocator tries to split the lives of values, function by function. Where many values
// live across many calls, as in resume bodies, each split is copies in many blocks, which cost more room than
// they save: there it shall give up early. LLVM has one limit for all functions, an option; so a pass that
// runs before the allocator sets it for the function in hand.

#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/Support/CommandLine.h"

using namespace llvm;

namespace popcorn {

static constexpr StringLiteral Limit = "grow-region-complexity-budget", Usual = "10000",
                               InResumeBodies = "100";

namespace {
class SplittingPass : public MachineFunctionPass {
  public:
    SplittingPass() : MachineFunctionPass(ID) {
        Option = cl::getRegisteredOptions().lookup(Limit);
        if (!Option)
            report_fatal_error("popcorn: this LLVM has no option -" + Limit);
        Option->setNumOccurrencesFlag(cl::ZeroOrMore);
    }

    StringRef getPassName() const override {
        return "popcorn: limit of splitting";
    }

    void getAnalysisUsage(AnalysisUsage &AU) const override {
        AU.setPreservesAll();
        MachineFunctionPass::getAnalysisUsage(AU);
    }

    bool runOnMachineFunction(MachineFunction &MF) override {
        bool Resumes = MF.getFunction().getSection() == POPCORN_SECTION_RESUME;
        Option->addOccurrence(0, Limit, Resumes ? InResumeBodies : Usual);
        return false;
    }

    static char ID;

  private:
    cl::Option *Option;
};
} // namespace

char SplittingPass::ID;

void limitSplitting(TargetPassConfig &Config) {
    Config.insertPass(&RegisterCoalescerID, new SplittingPass);
}

} // namespace popcorn
