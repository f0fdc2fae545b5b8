// SPDX-License-Identifier: MIT
//
// What a program may not contain, because it would not be the same program on another ISA. Every such place
// is named, by file and line where the object file knows it, before the compilation ends.

#include "Steps.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using namespace llvm;

namespace popcorn {

static void complain(const Instruction &I, const Twine &What) {
    if (const DebugLoc &Loc = I.getDebugLoc())
        errs() << cast<DIScope>(Loc.getScope())->getFilename() << ':' << Loc.getLine() << ": ";
    errs() << "error: in function '" << I.getFunction()->getName() << "': " << What << '\n';
}

// What asks for one ISA's registers or native frame; null for anything else.
static const char *nativeStateOf(const CallBase &Call) {
    switch (Call.getIntrinsicID()) {
    case Intrinsic::read_register:
    case Intrinsic::read_volatile_register:
    case Intrinsic::write_register:
        return "a variable in a register that is named is one ISA's";
    case Intrinsic::addressofreturnaddress:
    case Intrinsic::sponentry:
    case Intrinsic::eh_dwarf_cfa:
        return "the native stack differs between ISAs; __builtin_frame_address(0) is the frame's address";
    case Intrinsic::eh_return_i32:
    case Intrinsic::eh_return_i64:
    case Intrinsic::eh_unwind_init:
        return "unwinding by hand is one ISA's";
    case Intrinsic::init_trampoline:
    case Intrinsic::adjust_trampoline:
        return "a trampoline is one ISA's code";
    default:
        return nullptr;
    }
}

// LLVM converts wider integers to and from floating point in the default environment only.
static constexpr unsigned WidestConverted = 128;

static bool isWideConversion(const CallBase &Call) {
    switch (Call.getIntrinsicID()) {
    case Intrinsic::experimental_constrained_sitofp:
    case Intrinsic::experimental_constrained_uitofp:
        return Call.getArgOperand(0)->getType()->getScalarSizeInBits() > WidestConverted;
    case Intrinsic::experimental_constrained_fptosi:
    case Intrinsic::experimental_constrained_fptoui:
        return Call.getType()->getScalarSizeInBits() > WidestConverted;
    default:
        return false;
    }
}

static bool refuse(const Instruction &I) {
    if (auto *Call = dyn_cast<CallBase>(&I)) {
        if (isWideConversion(*Call)) {
            complain(I,
                     "with -frounding-math, a _BitInt of more than 128 bits cannot be converted to or from "
                     "floating point");
            return true;
        }
        if (const char *Why = nativeStateOf(*Call)) {
            complain(I, Why);
            return true;
        }
        if (auto *Asm = dyn_cast<InlineAsm>(Call->getCalledOperand()); Asm && !Asm->getAsmString().empty()) {
            complain(I, "inline assembly is one ISA's; use C, or a __builtin function");
            return true;
        }
        if (Function *Callee = Call->getCalledFunction(); Callee && Callee->isTargetIntrinsic()) {
            complain(I, "'" + Callee->getName() + "' exists on one ISA only");
            return true;
        }
        if (Function *Callee = Call->getCalledFunction();
            Callee && isHelperOfOtherType(*Callee, *Call->getFunctionType())) {
            complain(I, "'" + Callee->getName() +
                            "' is called by other types than the compiler's own function has");
            return true;
        }
    }
    if (isa<InvokeInst>(I) || isa<LandingPadInst>(I) || isa<ResumeInst>(I)) {
        complain(I, "exceptions cannot migrate");
        return true;
    }
    if (isa<CallBrInst>(I)) {
        complain(I, "asm goto is one ISA's");
        return true;
    }
    if (I.getType()->isScalableTy()) {
        complain(I, "vectors of unknown length differ between ISAs");
        return true;
    }
    return false;
}

void refuseUnsupported(Module &M) {
    bool Refused = false;
    if (!M.getModuleInlineAsm().empty()) {
        errs() << "error: assembly at file scope is one ISA's: "
               << StringRef(M.getModuleInlineAsm()).split('\n').first << '\n';
        Refused = true;
    }
    for (const GlobalIFunc &G : M.ifuncs()) {
        errs() << "error: '" << G.getName() << "': ifunc is not supported\n";
        Refused = true;
    }
    for (const Function &F : M)
        for (const Instruction &I : instructions(F))
            Refused |= refuse(I);
    if (Refused)
        std::exit(1);
}

} // namespace popcorn
