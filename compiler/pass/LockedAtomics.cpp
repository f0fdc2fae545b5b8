// SPDX-License-Identifier: MIT
//
// Atomic operations on 128 bits, or on objects that may not be aligned. aarch64 has instructions for the
// former, riscv64 has none, and a lock and an instruction do not exclude each other. So on every ISA they
// become calls of the functions that the front end calls for larger objects, which take a lock
// (runtime/libc/src/atomic).

#include "Steps.h"
#include "llvm/CodeGen/AtomicExpandUtils.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace popcorn {

constexpr unsigned LargestWord = 8;       // bytes that every ISA's instructions can handle
constexpr int SequentiallyConsistent = 5; // __ATOMIC_SEQ_CST

static bool needsLock(const Instruction &I, Type *T, Align Alignment) {
    uint64_t Size = I.getDataLayout().getTypeStoreSize(T);
    return I.isAtomic() && (Size > LargestWord || Alignment < Size);
}

StringRef lockedFunction(const Instruction &I) {
    bool Locked = false;
    StringRef Function = "__atomic_compare_exchange";
    if (auto *L = dyn_cast<LoadInst>(&I)) {
        Function = "__atomic_load";
        Locked = needsLock(I, L->getType(), L->getAlign());
    } else if (auto *S = dyn_cast<StoreInst>(&I)) {
        Function = "__atomic_store";
        Locked = needsLock(I, S->getValueOperand()->getType(), S->getAlign());
    } else if (auto *X = dyn_cast<AtomicCmpXchgInst>(&I)) {
        Locked = needsLock(I, X->getCompareOperand()->getType(), X->getAlign());
    } else if (auto *RMW = dyn_cast<AtomicRMWInst>(&I)) {
        Locked = needsLock(I, RMW->getType(), RMW->getAlign());
    }
    return Locked ? Function : StringRef();
}

static AllocaInst *makeLocal(IRBuilderBase &B, Type *T) {
    BasicBlock &Entry = B.GetInsertBlock()->getParent()->getEntryBlock();
    return new AllocaInst(T, 0, nullptr, Align(16), "", Entry.begin());
}

static AllocaInst *makeLocal(IRBuilderBase &B, Value *Content) {
    AllocaInst *Local = makeLocal(B, Content->getType());
    B.CreateStore(Content, Local);
    return Local;
}

// Name(size of T, Objects..., orders...)
static Value *callLibc(IRBuilderBase &B, StringRef Name, Type *Result, Type *T, ArrayRef<Value *> Objects,
                       unsigned NumOrders) {
    Module &M = *B.GetInsertBlock()->getModule();
    SmallVector<Value *, 6> Arguments{B.getInt64(M.getDataLayout().getTypeStoreSize(T))};
    SmallVector<Type *, 6> Types;
    Arguments.append(Objects.begin(), Objects.end());
    Arguments.append(NumOrders, B.getInt32(SequentiallyConsistent));
    for (Value *A : Arguments)
        Types.push_back(A->getType());
    FunctionCallee Callee = M.getOrInsertFunction(Name, FunctionType::get(Result, Types, false));
    if (cast<Function>(Callee.getCallee())->getFunctionType() != Callee.getFunctionType())
        report_fatal_error(Twine("popcorn: ") + Name + " has other parameters than libc's");
    return B.CreateCall(Callee, Arguments);
}

// Sets Success, and Old to what was there.
static void compareExchange(IRBuilderBase &B, Value *Object, Value *Expected, Value *Desired, Value *&Success,
                            Value *&Old) {
    AllocaInst *E = makeLocal(B, Expected), *D = makeLocal(B, Desired);
    Success = callLibc(B, "__atomic_compare_exchange", B.getInt1Ty(), Expected->getType(), {Object, E, D}, 2);
    Old = B.CreateLoad(Expected->getType(), E);
}

static void lowerLoad(LoadInst &I) {
    IRBuilder<> B(&I);
    AllocaInst *To = makeLocal(B, I.getType());
    callLibc(B, "__atomic_load", B.getVoidTy(), I.getType(), {I.getPointerOperand(), To}, 1);
    I.replaceAllUsesWith(B.CreateLoad(I.getType(), To));
    I.eraseFromParent();
}

static void lowerStore(StoreInst &I) {
    IRBuilder<> B(&I);
    Value *From = makeLocal(B, I.getValueOperand());
    callLibc(B, "__atomic_store", B.getVoidTy(), I.getValueOperand()->getType(),
             {I.getPointerOperand(), From}, 1);
    I.eraseFromParent();
}

static void lowerCompareExchange(AtomicCmpXchgInst &I) {
    IRBuilder<> B(&I);
    Value *Success, *Old;
    compareExchange(B, I.getPointerOperand(), I.getCompareOperand(), I.getNewValOperand(), Success, Old);
    Value *Both = B.CreateInsertValue(PoisonValue::get(I.getType()), Old, 0);
    I.replaceAllUsesWith(B.CreateInsertValue(Both, Success, 1));
    I.eraseFromParent();
}

static void lowerReadModifyWrite(AtomicRMWInst &I) {
    expandAtomicRMWToCmpXchg(&I, [](IRBuilderBase &B, Value *Object, Value *Loaded, Value *New, Align,
                                    AtomicOrdering, SyncScope::ID, Value *&Success,
                                    Value *&Old) { compareExchange(B, Object, Loaded, New, Success, Old); });
}

void lowerLockedAtomics(Module &M) {
    SmallVector<Instruction *, 8> Locked;
    for (Function &F : M)
        for (Instruction &I : instructions(F))
            if (!lockedFunction(I).empty())
                Locked.push_back(&I);
    for (Instruction *I : Locked) {
        if (auto *L = dyn_cast<LoadInst>(I))
            lowerLoad(*L);
        else if (auto *S = dyn_cast<StoreInst>(I))
            lowerStore(*S);
        else if (auto *X = dyn_cast<AtomicCmpXchgInst>(I))
            lowerCompareExchange(*X);
        else
            lowerReadModifyWrite(*cast<AtomicRMWInst>(I));
    }
}

} // namespace popcorn
