// SPDX-License-Identifier: MIT

#include "BodyClone.h"
#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/PromoteMemToReg.h"

using namespace llvm;

namespace popcorn {

static void adaptAttributes(Function &N, const Function &F) {
    N.setSection(""); // a portable function has its section for itself
    N.setCallingConv(CallingConv::C);
    N.setAttributes(AttributeList::get(N.getContext(), attributesOfBody(F), AttributeSet(), {}));
    N.addFnAttr(Attribute::NoInline);
    N.setUWTableKind(UWTableKind::Async);
    N.setDoesNotThrow();
}

BodyClone::BodyClone(const Frame &Fr, const Twine &Suffix) {
    Function &F = *Fr.F;
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
    for (const Site &S : Fr.Sites)
        if (S.IsTail)
            keepFrame(S);
}

// The clone has another type than the functions that it calls last, so its frame stays below their calls.
void BodyClone::keepFrame(const Site &S) {
    auto *Call = cast<CallInst>(Map.lookup(S.Call));
    Call->setTailCallKind(CallInst::TCK_NoTail);
    SplitBlock(Call->getParent(), Call->getNextNode());
    CallInst *Statepoint = makeStatepoint(Call, POPCORN_ID(S.Number, 0), {});
    Map[S.Call] = S.Call->getType()->isVoidTy() ? Statepoint : Statepoint->getNextNode();
}

bool BodyClone::isPlaceholder(const Value *V) const {
    return is_contained(Placeholders, V);
}

BasicBlock *BodyClone::makeEntrance(StringRef Name) {
    return BasicBlock::Create(N->getContext(), Name, N, &N->getEntryBlock());
}

void BodyClone::goThrough(AllocaInst *Home, Instruction *Def) {
    SmallVector<Use *, 16> Uses;
    for (Use &U : Def->uses())
        Uses.push_back(&U);
    DenseMap<BasicBlock *, Value *> AtEnd; // several edges of one block to a phi must carry one value
    for (Use *U : Uses) {
        auto *User = cast<Instruction>(U->getUser());
        auto *Phi = dyn_cast<PHINode>(User);
        BasicBlock *Where = Phi ? Phi->getIncomingBlock(*U) : User->getParent();
        Value *&Loaded = AtEnd[Where];
        if (Phi && Loaded) {
            U->set(Loaded);
            continue;
        }
        IRBuilder<> B(Phi ? Where->getTerminator() : User);
        Value *Load = B.CreateLoad(Def->getType(), Home);
        if (Phi)
            Loaded = Load;
        U->set(Load);
    }
    if (isPlaceholder(Def))
        return;
    IRBuilder<> B(isa<PHINode>(Def) ? &*Def->getParent()->getFirstInsertionPt() : Def->getNextNode());
    B.CreateStore(Def, Home);
}

AllocaInst *BodyClone::homeOf(Value *Original) {
    AllocaInst *&Home = Homes[Original];
    if (!Home) {
        Home = new AllocaInst(Original->getType(), 0, "", N->getEntryBlock().begin());
        goThrough(Home, cast<Instruction>(Map.lookup(Original)));
    }
    return Home;
}

void BodyClone::promoteHomes(ArrayRef<AllocaInst *> More) {
    std::vector<AllocaInst *> Allocas = More.vec();
    for (auto &[Original, Home] : Homes)
        Allocas.push_back(Home);
    DominatorTree DT(*N);
    PromoteMemToReg(Allocas, DT);
    removeDeadInstructions();
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
