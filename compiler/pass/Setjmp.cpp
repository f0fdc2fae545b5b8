// SPDX-License-Identifier: MIT
//
// setjmp. A native jmp_buf holds one ISA's registers, so before it calls __popcorn_setjmp the function also
// writes its own frame record, complete, to an area of its data-stack frame. A longjmp that comes after a hop
// finds the frame by its data-stack base and replaces it by the function's resume body, started from that
// record. The compiler's own __builtin_setjmp is the same thing; popcorn.cfg gives it a name, as the front
// end has it for some targets only.

#include "Pieces.h"
#include "popcorn/abi.h"
#include "popcorn/jump.h"
#include "Steps.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace popcorn {

enum { ArgBuffer, ArgSaveMask, ArgArea, ArgBase };

static bool isLowered(const CallBase &Call) {
    const Function *Callee = Call.getCalledFunction();
    return Callee && Callee->getName() == "__popcorn_setjmp";
}

bool isSetjmp(const CallBase &Call) {
    static const StringSet<> Names = {"setjmp",    "_setjmp",     "__setjmp",
                                      "sigsetjmp", "__sigsetjmp", "__popcorn_setjmp"};
    const Function *Callee = Call.getCalledFunction();
    return Callee && Callee->isDeclaration() && Names.contains(Callee->getName());
}

static std::vector<CallInst *> setjmpCalls(Function &F) {
    std::vector<CallInst *> Calls;
    for (Instruction &I : instructions(F))
        if (auto *Call = dyn_cast<CallInst>(&I); Call && isSetjmp(*Call))
            Calls.push_back(Call);
    return Calls;
}

static Value *makeArea(Function &F, unsigned Slots) {
    IRBuilder<> B(&*F.getEntryBlock().getFirstInsertionPt());
    auto *Area = B.CreateAlloca(ArrayType::get(B.getInt64Ty(), 1 + Slots));
    Area->setAlignment(Align(16));
    return Area;
}

static CallInst *lower(CallInst *Call, Value *Area) {
    IRBuilder<> B(Call);
    Type *I32 = B.getInt32Ty();
    FunctionCallee Callee = Call->getModule()->getOrInsertFunction("__popcorn_setjmp", I32, B.getPtrTy(), I32,
                                                                   B.getPtrTy(), B.getPtrTy());
    cast<Function>(Callee.getCallee())->addFnAttr(Attribute::ReturnsTwice);
    Value *SaveMask = Call->arg_size() > 1 ? Call->getArgOperand(1) : B.getInt32(0);
    CallInst *New = B.CreateCall(
        Callee, {Call->getArgOperand(0), SaveMask, Area, ConstantPointerNull::get(B.getPtrTy())});
    New->addFnAttr(Attribute::ReturnsTwice);
    Call->replaceAllUsesWith(New);
    Call->eraseFromParent();
    return New;
}

// The builtins' buffer has room for five words only, but it is good for no longer than the frame: so a
// jmp_buf is part of the frame, and the buffer's first word points to it.
static void lowerBuiltinSetjmp(CallInst *Call) {
    Function &F = *Call->getFunction();
    IRBuilder<> Entry(&*F.getEntryBlock().getFirstInsertionPt());
    auto *Buffer = Entry.CreateAlloca(ArrayType::get(Entry.getInt8Ty(), sizeof(popcorn_jump)));
    Buffer->setAlignment(Align(16));
    IRBuilder<> B(Call);
    B.CreateStore(Buffer, Call->getArgOperand(0));
    FunctionCallee Setjmp = F.getParent()->getOrInsertFunction("_setjmp", B.getInt32Ty(), B.getPtrTy());
    CallInst *New = B.CreateCall(Setjmp, {Buffer});
    New->addFnAttr(Attribute::ReturnsTwice);
    Call->replaceAllUsesWith(New);
    Call->eraseFromParent();
}

static void lowerBuiltinLongjmp(CallInst *Call) {
    IRBuilder<> B(Call);
    FunctionCallee Longjmp =
        Call->getModule()->getOrInsertFunction("longjmp", B.getVoidTy(), B.getPtrTy(), B.getInt32Ty());
    Value *Buffer = B.CreateLoad(B.getPtrTy(), Call->getArgOperand(0));
    B.CreateCall(Longjmp, {Buffer, Call->getArgOperand(1)});
    Call->eraseFromParent();
}

void lowerBuiltinJumps(Module &M) {
    for (auto [Name, Lower] : {std::pair{"__popcorn_builtin_setjmp", lowerBuiltinSetjmp},
                               std::pair{"__popcorn_builtin_longjmp", lowerBuiltinLongjmp}})
        if (Function *F = M.getFunction(Name)) {
            for (User *U : make_early_inc_range(F->users()))
                Lower(cast<CallInst>(U)); // popcorn.cfg's macros give nobody the address
            F->eraseFromParent();
        }
}

void lowerSetjmp(Function &F, bool Migratable) {
    std::vector<CallInst *> Calls = setjmpCalls(F);
    if (Calls.empty())
        return;
    // Its frame must stay: there is no leaving it by a tail call.
    for (Instruction &I : instructions(F))
        if (auto *Call = dyn_cast<CallInst>(&I); Call && Call->isMustTailCall())
            Call->setTailCallKind(CallInst::TCK_NoTail);
    // The data stack adds one live value, the frame's base, and takes away the allocas.
    std::vector<unsigned> Slots(Calls.size(), 1);
    if (Migratable) {
        std::vector<std::vector<Value *>> Live = liveAcross(F, Calls);
        for (size_t I = 0; I < Calls.size(); I++)
            for (Value *V : Live[I])
                Slots[I] += pieceCount(V->getType());
    }
    for (size_t I = 0; I < Calls.size(); I++)
        lower(Calls[I], Migratable ? makeArea(F, Slots[I])
                                   : ConstantPointerNull::get(PointerType::get(F.getContext(), 0)));
}

void setSetjmpBase(Function &F, Value *Base) {
    for (CallInst *Call : setjmpCalls(F))
        Call->setArgOperand(ArgBase, Base);
}

void fillSetjmpAreas(Frame &Fr) {
    for (Site &S : Fr.Sites) {
        if (!isLowered(*S.Call))
            continue;
        IRBuilder<> B(S.Call);
        Value *Area = S.Call->getArgOperand(ArgArea);
        unsigned Next = 1; // behind the header
        for (unsigned Index : S.Live) {
            Value *V = Fr.Values[Index].V;
            storeToSlots(B, V, Area, Next);
            Next += pieceCount(V->getType());
        }
        B.CreateAlignedStore(B.getInt64(uint64_t(Next - 1) << 32 | S.Number), Area, Align(8));
    }
}

} // namespace popcorn
