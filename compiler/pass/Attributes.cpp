// SPDX-License-Identifier: MIT
//
// What LLVM is told of functions and calls. An attribute is a promise, and the pass breaks many: a function
// that gets points reads memory and may be left at each; a body that is entered in the middle has not the
// parameters that an attribute speaks of; a call that may migrate is another call. So each of them has a
// closed list of what is still true, and all else goes, known or not.

#include "Steps.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/AttributeMask.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace popcorn {

// How code is generated, whatever it does. Of the strings, these are all that mean the same on every ISA; the
// front end's others choose its own target's registers, prologues and checks.
static bool isOfEveryIsa(Attribute A) {
    static const StringSet<> Names = {
        "no-builtins",        "no-trapping-math",     "no-jump-tables",          "disable-tail-calls",
        "no-infs-fp-math",    "no-nans-fp-math",      "no-signed-zeros-fp-math", "approx-func-fp-math",
        "denormal-fp-math",   "denormal-fp-math-f32", "unsafe-fp-math",          "alloc-family",
        "prefer-vector-width"};
    StringRef Name = A.getKindAsString();
    return Names.contains(Name) || Name.starts_with("no-builtin-");
}

void dropTargetAttributes(Function &F) {
    AttributeMask Gone;
    for (Attribute A : F.getAttributes().getFnAttrs())
        if (A.isStringAttribute() && !isOfEveryIsa(A))
            Gone.addAttribute(A.getKindAsString());
    for (Attribute::AttrKind Kind :
         {Attribute::UWTable, Attribute::VScaleRange, Attribute::StackAlignment, Attribute::StackProtect,
          Attribute::StackProtectReq, Attribute::StackProtectStrong, Attribute::ShadowCallStack})
        Gone.addAttribute(Kind);
    F.removeFnAttrs(Gone);
    // A returned struct's address is an ordinary argument on every ISA: x86_64 would keep it for its caller
    // otherwise.
    for (Argument &A : F.args())
        A.removeAttr(Attribute::StructRet);
    for (Instruction &I : instructions(F))
        if (auto *Call = dyn_cast<CallBase>(&I))
            for (unsigned N = 0; N < Call->arg_size(); N++)
                Call->removeParamAttr(N, Attribute::StructRet);
}

AttributeSet attributesOfBody(const Function &F) {
    AttrBuilder B(F.getContext());
    for (Attribute A : F.getAttributes().getFnAttrs()) {
        if (A.isStringAttribute()) {
            if (isOfEveryIsa(A) && A.getKindAsString() != "alloc-family")
                B.addAttribute(A);
            continue;
        }
        switch (A.getKindAsEnum()) {
        case Attribute::Cold:
        case Attribute::Hot:
        case Attribute::MinSize:
        case Attribute::NoBuiltin:
        case Attribute::NoImplicitFloat:
        case Attribute::NoInline:
        case Attribute::NullPointerIsValid:
        case Attribute::OptimizeForSize:
        case Attribute::StrictFP:
            B.addAttribute(A);
            break;
        default:
            break;
        }
    }
    return AttributeSet::get(F.getContext(), B);
}

template <typename Called> static void forget(Called &C) {
    for (Attribute::AttrKind Kind : {Attribute::Memory, Attribute::Speculatable, Attribute::AllocKind})
        C.removeFnAttr(Kind);
}

void forgetEffects(Function &F) {
    forget(F);
}

void forgetEffects(CallBase &Call) {
    forget(Call);
}

// What decides where an argument goes. The rest of what a call promises is not said of its statepoint.
void copyConvention(const CallBase &From, CallBase &To, unsigned FirstArgument) {
    To.setCallingConv(From.getCallingConv());
    for (unsigned I = 0; I < From.arg_size(); I++)
        for (Attribute::AttrKind Kind :
             {Attribute::SExt, Attribute::ZExt, Attribute::InReg, Attribute::Nest, Attribute::SwiftSelf})
            if (From.paramHasAttr(I, Kind))
                To.addParamAttr(FirstArgument + I, Kind);
}

} // namespace popcorn
