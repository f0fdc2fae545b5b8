// SPDX-License-Identifier: MIT
//
// Each call that may migrate becomes a gc.statepoint whose deopt operands are the live values. The record
// that the backend writes for it sits exactly at its return address, and tells where each value is while the
// call runs. It costs no instruction but where a value has to be cut into pieces.

#include "Pieces.h"
#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Statepoint.h"

using namespace llvm;

namespace popcorn {

// The address that an indirect call goes to. If it is also recorded, the register allocator could neither
// keep it in memory, as the call needs it, nor push others out for it, and may give up: so the call gets a
// copy.
static Value *calleeOf(IRBuilder<> &B, const CallInst &Call, ArrayRef<Value *> Live) {
    Value *Callee = Call.getCalledOperand();
    if (!is_contained(Live, Callee))
        return Callee;
    auto *T = FunctionType::get(Callee->getType(), {Callee->getType()}, false);
    return B.CreateCall(T, InlineAsm::get(T, "", "=r,0", false), {Callee});
}

// Puts a statepoint, which it returns, in a call's place.
CallInst *makeStatepoint(CallInst *Call, uint64_t Id, ArrayRef<Value *> Live) {
    IRBuilder<> B(Call);
    std::vector<Value *> Args(Call->arg_begin(), Call->arg_end());
    FunctionCallee Callee(Call->getFunctionType(), calleeOf(B, *Call, Live));
    CallInst *Statepoint = B.CreateGCStatepointCall(Id, 0, Callee, Args, Live, {});
    copyConvention(*Call, *Statepoint, GCStatepointInst::CallArgsBeginPos);
    if (!Call->getType()->isVoidTy())
        Call->replaceAllUsesWith(B.CreateGCResult(Statepoint, Call->getType()));
    Call->eraseFromParent();
    return Statepoint;
}

static void makeStatepoint(Frame &Fr, Site &S) {
    IRBuilder<> B(S.Call);
    std::vector<Value *> Live;
    for (unsigned Index : S.Live)
        append_range(Live, cut(B, Fr.Values[Index].V));
    S.Call = makeStatepoint(S.Call, POPCORN_ID(S.Number, 0), Live);
}

void makeStatepoints(Frame &Fr) {
    for (Site &S : Fr.Sites)
        if (!S.IsSetjmp && !S.IsTail)
            makeStatepoint(Fr, S);
    Function &F = *Fr.F;
    F.setGC("statepoint-example");
    AttributeSet Body = attributesOfBody(F);
    F.setAttributes(F.getAttributes().removeFnAttributes(F.getContext()));
    F.addFnAttrs(AttrBuilder(F.getContext(), Body));
    F.setUWTableKind(UWTableKind::Async);
    F.setDoesNotThrow();
}

} // namespace popcorn
