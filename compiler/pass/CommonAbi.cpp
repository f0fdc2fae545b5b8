// SPDX-License-Identifier: MIT
//
// The common ABI. The front end compiles for riscv64, whose conventions are the generic ones; what still
// differs when the module is given to another backend goes here: variadic functions take a pointer to a block
// of arguments, which is what va_list points to; computed goto becomes a switch over block numbers, so that a
// body can be cloned; attributes, flags and aliases that belong to the front end's target go.

#include "Steps.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace popcorn {

static void replaceAliases(Module &M) {
    for (GlobalAlias &A : make_early_inc_range(M.aliases())) {
        A.replaceAllUsesWith(A.getAliasee());
        if (A.hasLocalLinkage() || A.isDiscardableIfUnused())
            A.eraseFromParent();
    }
}

static void dropTargetFlags(Module &M) {
    M.setTargetTriple("");
    SmallVector<Module::ModuleFlagEntry, 8> Flags;
    M.getModuleFlagsMetadata(Flags);
    if (NamedMDNode *Node = M.getModuleFlagsMetadata())
        Node->eraseFromParent();
    for (const auto &Flag : Flags)
        if (Flag.Key->getString() == "wchar_size")
            M.addModuleFlag(Flag.Behavior, Flag.Key->getString(), Flag.Val);
}

static FunctionType *withBlock(FunctionType *T) {
    SmallVector<Type *, 8> Params(T->params());
    Params.push_back(PointerType::get(T->getContext(), 0));
    return FunctionType::get(T->getReturnType(), Params, false);
}

// The callee's side: the block is one more parameter, and va_start makes the list point to it.
static void takeBlock(Function &F) {
    Function *N = Function::Create(withBlock(F.getFunctionType()), F.getLinkage(), F.getAddressSpace(), "",
                                   F.getParent());
    N->takeName(&F);
    N->copyAttributesFrom(&F);
    forgetEffects(*N); // it reads the block
    N->splice(N->begin(), &F);
    for (auto [Old, New] : zip(F.args(), N->args())) {
        Old.replaceAllUsesWith(&New);
        New.takeName(&Old);
    }
    Argument *Block = N->getArg(N->arg_size() - 1);
    for (Instruction &I : make_early_inc_range(instructions(*N)))
        if (auto *Start = dyn_cast<VAStartInst>(&I)) {
            IRBuilder<>(Start).CreateStore(Block, Start->getArgList());
            Start->eraseFromParent();
        }
    F.replaceAllUsesWith(N);
    F.eraseFromParent();
}

static void lowerListIntrinsic(IntrinsicInst &I) {
    if (auto *Copy = dyn_cast<VACopyInst>(&I)) {
        IRBuilder<> B(Copy);
        B.CreateStore(B.CreateLoad(B.getPtrTy(), Copy->getSrc()), Copy->getDest());
        Copy->eraseFromParent();
    } else if (isa<VAEndInst>(I)) {
        I.eraseFromParent();
    }
}

// libc reads unnamed arguments that may not be there: fcntl one, syscall six. They were in registers before.
static constexpr uint64_t LeastBlock = 6 * 8;

// Where va_arg looks for a value: 16-byte aligned ones at multiples of 16 (BitIntArguments.cpp).
static bool isAlignedInBlock(Type *T, const DataLayout &DL) {
    return DL.getABITypeAlign(T) >= Align(16);
}

// The caller's side: unnamed arguments lie in the block as riscv64's va_arg reads them, 8 bytes each, words
// sign-extended. The front end passes a pointer to what has more than 16.
static void passBlock(CallInst *Call) {
    const DataLayout &DL = Call->getModule()->getDataLayout();
    FunctionType *T = Call->getFunctionType();
    SmallVector<std::pair<Value *, uint64_t>, 8> Unnamed;
    uint64_t Size = 0;
    for (unsigned I = T->getNumParams(); I < Call->arg_size(); I++) {
        Value *V = Call->getArgOperand(I);
        if (isAlignedInBlock(V->getType(), DL))
            Size = alignTo(Size, 16);
        Unnamed.push_back({V, Size});
        Size += alignTo(DL.getTypeAllocSize(V->getType()), 8);
    }
    IRBuilder<> B(Call);
    IRBuilder<> Entry(&*Call->getFunction()->getEntryBlock().getFirstInsertionPt());
    auto *Block = Entry.CreateAlloca(ArrayType::get(Entry.getInt8Ty(), std::max(Size, LeastBlock)));
    Block->setAlignment(Align(16));
    markArgumentBlock(Block);
    for (auto [V, Offset] : Unnamed)
        B.CreateAlignedStore(V->getType()->isIntegerTy(32) ? B.CreateSExt(V, B.getInt64Ty()) : V,
                             B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Block, Offset), Align(8));

    SmallVector<Value *, 8> Args(Call->arg_begin(), Call->arg_begin() + T->getNumParams());
    Args.push_back(Block);
    CallInst *New = B.CreateCall(withBlock(T), Call->getCalledOperand(), Args);
    New->setCallingConv(Call->getCallingConv());
    AttributeList Old = Call->getAttributes();
    SmallVector<AttributeSet, 8> ParamAttrs;
    for (unsigned I = 0; I < T->getNumParams(); I++)
        ParamAttrs.push_back(Old.getParamAttrs(I));
    New->setAttributes(AttributeList::get(T->getContext(), Old.getFnAttrs(), Old.getRetAttrs(), ParamAttrs));
    forgetEffects(*New); // it reads the block
    New->takeName(Call);
    New->setDebugLoc(Call->getDebugLoc());
    Call->replaceAllUsesWith(New);
    Call->eraseFromParent();
}

static void lowerVariadics(Module &M) {
    for (Function &F : make_early_inc_range(M))
        if (F.isVarArg() && !F.isDeclaration())
            takeBlock(F);
    for (Function &F : M)
        for (Instruction &I : make_early_inc_range(instructions(F))) {
            if (auto *Intrinsic = dyn_cast<IntrinsicInst>(&I))
                lowerListIntrinsic(*Intrinsic);
            else if (auto *Call = dyn_cast<CallInst>(&I); Call && Call->getFunctionType()->isVarArg())
                passBlock(Call);
        }
}

// Blocks get the numbers 1, 2, … instead of addresses; an indirectbr becomes a switch over them.
static void lowerComputedGoto(Function &F) {
    LLVMContext &C = F.getContext();
    Type *I64 = Type::getInt64Ty(C);
    DenseMap<BasicBlock *, ConstantInt *> Numbers;
    for (BasicBlock &BB : F)
        if (BlockAddress *Address = BB.hasAddressTaken() ? BlockAddress::lookup(&BB) : nullptr) {
            auto *Number = ConstantInt::get(cast<IntegerType>(I64), Numbers.size() + 1);
            Numbers[&BB] = Number;
            Address->replaceAllUsesWith(ConstantExpr::getIntToPtr(Number, Address->getType()));
            Address->destroyConstant();
        }
    for (BasicBlock &BB : F) {
        auto *Goto = dyn_cast<IndirectBrInst>(BB.getTerminator());
        if (!Goto)
            continue;
        BasicBlock *Nowhere = BasicBlock::Create(C, "nowhere", &F);
        new UnreachableInst(C, Nowhere);
        IRBuilder<> B(Goto);
        SwitchInst *Switch = B.CreateSwitch(B.CreatePtrToInt(Goto->getAddress(), I64), Nowhere);
        SmallPtrSet<BasicBlock *, 16> Seen;
        for (BasicBlock *To : successors(&BB))
            if (Numbers.count(To) && Seen.insert(To).second)
                Switch->addCase(Numbers[To], To);
            else if (Numbers.count(To))
                To->removePredecessor(&BB, true);
        Goto->eraseFromParent();
    }
}

void lowerToCommonAbi(Module &M) {
    replaceAliases(M);
    dropTargetFlags(M);
    for (Function &F : M) {
        dropTargetAttributes(F);
        F.setDSOLocal(true);
        F.setComdat(nullptr);
    }
    for (GlobalVariable &G : M.globals()) {
        G.setDSOLocal(true);
        G.setComdat(nullptr);
    }
    for (Function &F : M)
        if (!F.isDeclaration())
            lowerComputedGoto(F);
    lowerVariadics(M);
}

} // namespace popcorn
