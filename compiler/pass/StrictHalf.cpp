// SPDX-License-Identifier: MIT
//
// Conversions of 16-bit floating point in functions that are compiled for any rounding mode
// (-frounding-math). Not every backend can select them, so they become calls of the functions that do it
// (popcorn/helpers.h); arithmetic is float's already, as the front end makes it.

#include "Steps.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace popcorn {

static bool isShort(const Type *T) {
    return T->isHalfTy() || T->isBFloatTy();
}

static Value *callHelper(IRBuilder<> &B, StringRef Name, Type *Result, Value *Argument) {
    Module &M = *B.GetInsertBlock()->getModule();
    CallInst *Call = B.CreateCall(M.getOrInsertFunction(Name, Result, Argument->getType()), {Argument});
    Call->addFnAttr(Attribute::StrictFP);
    return Call;
}

static Value *toFloat(IRBuilder<> &B, Value *V) {
    return callHelper(B, V->getType()->isHalfTy() ? "__extendhfsf2" : "__extendbfsf2", B.getFloatTy(), V);
}

static Value *truncate(IRBuilder<> &B, Value *V, Type *T) {
    StringRef From = V->getType()->isFloatTy() ? "sf" : V->getType()->isDoubleTy() ? "df" : "tf";
    return callHelper(B, ("__trunc" + From + (T->isHalfTy() ? "hf2" : "bf2")).str(), T, V);
}

// The same conversion between I's other type and float: no double rounding, as one of the two is exact.
static Value *byFloat(IRBuilder<> &B, ConstrainedFPIntrinsic &I, Type *Result, Value *Argument) {
    return B.CreateConstrainedFPCast(I.getIntrinsicID(), Argument, Result, nullptr, "", nullptr,
                                     I.getRoundingMode(), I.getExceptionBehavior());
}

// Null: the backends can do it, or it cannot be done here.
static Value *lower(ConstrainedFPIntrinsic &I) {
    IRBuilder<> B(&I);
    Value *V = I.getArgOperand(0);
    Type *T = I.getType();
    switch (I.getIntrinsicID()) {
    case Intrinsic::experimental_constrained_fptrunc:
        return isShort(T) ? truncate(B, V, T) : nullptr;
    case Intrinsic::experimental_constrained_fpext:
        if (!isShort(V->getType()))
            return nullptr;
        return T->isFloatTy() ? toFloat(B, V) : byFloat(B, I, T, toFloat(B, V));
    case Intrinsic::experimental_constrained_fptosi:
    case Intrinsic::experimental_constrained_fptoui:
        return isShort(V->getType()) ? byFloat(B, I, T, toFloat(B, V)) : nullptr;
    case Intrinsic::experimental_constrained_sitofp:
    case Intrinsic::experimental_constrained_uitofp: {
        if (!T->isHalfTy() || !V->getType()->isIntegerTy() || V->getType()->getIntegerBitWidth() > 128)
            return nullptr;
        bool IsSigned = I.getIntrinsicID() == Intrinsic::experimental_constrained_sitofp;
        return callHelper(B, IsSigned ? "__floattihf" : "__floatuntihf", T,
                          B.CreateIntCast(V, B.getInt128Ty(), IsSigned));
    }
    default:
        return nullptr;
    }
}

void lowerStrictHalves(Module &M) {
    for (Function &F : M)
        for (Instruction &I : make_early_inc_range(instructions(F)))
            if (auto *Constrained = dyn_cast<ConstrainedFPIntrinsic>(&I))
                if (Value *Lowered = lower(*Constrained)) {
                    Constrained->replaceAllUsesWith(Lowered);
                    Constrained->eraseFromParent();
                }
}

} // namespace popcorn
