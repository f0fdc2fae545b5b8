// SPDX-License-Identifier: MIT

#include "BodyClone.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace popcorn {

static void adaptAttributes(Function &N, const Function &F) {
    N.setSection(""); // a portable function has its section for itself
    N.setCallingConv(CallingConv::C);
    N.setAttributes(AttributeList::get(N.getContext(), F.getAttributes().getFnAttrs(), AttributeSet(), {}));
    for (Attribute::AttrKind Kind : {Attribute::OptimizeNone, Attribute::InlineHint, Attribute::AlwaysInline})
        N.removeFnAttr(Kind);
    N.addFnAttr(Attribute::NoInline);
}

BodyClone::BodyClone(Function &F, const Twine &Suffix) {
    LLVMContext &C = F.getContext();
    auto *Type = FunctionType::get(F.getReturnType(), {PointerType::get(C, 0)}, false);
    N = Function::Create(Type, GlobalValue::InternalLinkage, F.getName() + Suffix, F.getParent());
    BasicBlock *Stand = BasicBlock::Create(C);
    for (Argument &A : F.args()) {
        Placeholders.push_back(new FreezeInst(PoisonValue::get(A.getType()), A.getName(), Stand));
        Map[&A] = Placeholders.back();
    }
    SmallVector<ReturnInst *, 8> Returns;
    CloneFunctionInto(N, &F, Map, CloneFunctionChangeType::LocalChangesOnly, Returns);
    for (Instruction *P : Placeholders)
        P->moveBefore(N->getEntryBlock(), N->getEntryBlock().begin());
    delete Stand;
    adaptAttributes(*N, F);
}

bool BodyClone::isPlaceholder(const Value *V) const {
    return is_contained(Placeholders, V);
}

BasicBlock *BodyClone::makeEntrance(StringRef Name) {
    return BasicBlock::Create(N->getContext(), Name, N, &N->getEntryBlock());
}

void BodyClone::finish() {
    for (Instruction *P : Placeholders) {
        P->replaceAllUsesWith(PoisonValue::get(P->getType()));
        P->eraseFromParent();
    }
    removeUnreachableBlocks(*N);
    removeDeadInstructions();
}

void BodyClone::removeDeadInstructions() {
    for (BasicBlock &BB : *N)
        for (Instruction &I : make_early_inc_range(reverse(BB)))
            if (isInstructionTriviallyDead(&I))
                I.eraseFromParent();
}

} // namespace popcorn
