// SPDX-License-Identifier: MIT
//
// A function may migrate if it can reach a migration point: it calls one, or it calls a function that may
// migrate. An indirect call is taken to reach every function whose address is taken and whose parameters, as
// registers see them, begin its arguments. A program that calls through a wrong type gets frames without a
// record there, and the run time refuses to hop in them. All other functions are plain code, and calls to
// them too.

#include "Steps.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace popcorn {

static bool isRoot(const Function &F) {
    static const StringSet<> Roots = {"__popcorn_point", "__migrate_shim_internal",
                                      "__popcorn_fork",  "__popcorn_set_context",
                                      "longjmp",         "_longjmp",
                                      "siglongjmp"};
    return F.isDeclaration() && Roots.contains(F.getName());
}

static char keyOf(Type *T) {
    if (T->isPointerTy() || (T->isIntegerTy() && T->getIntegerBitWidth() <= 64))
        return 'i';
    if (T->isFloatTy())
        return 'f';
    if (T->isDoubleTy())
        return 'd';
    return 'x';
}

static std::string keyOf(const FunctionType *T) {
    std::string Key;
    for (Type *P : T->params())
        Key += keyOf(P);
    return Key;
}

static bool callsSetjmp(const Function &F) {
    for (const Instruction &I : instructions(F))
        if (auto *Call = dyn_cast<CallBase>(&I); Call && isSetjmp(*Call))
            return true;
    return false;
}

// More arguments than the callee takes do no harm and are common: libc calls every main with three.
bool Migratability::mayReachIndirectly(StringRef Arguments) const {
    for (size_t N = 0; N <= Arguments.size(); N++)
        if (IndirectKeys.contains(Arguments.take_front(N)))
            return true;
    return false;
}

bool Migratability::mayMigrate(const CallBase &Call) const {
    if (Call.isInlineAsm() || isa<IntrinsicInst>(Call))
        return false;
    const Function *Callee = Call.getCalledFunction();
    if (!Callee)
        return mayReachIndirectly(keyOf(Call.getFunctionType()));
    return isRoot(*Callee) || Functions.count(const_cast<Function *>(Callee));
}

bool Migratability::mayReach(const Function &F) const {
    for (const Instruction &I : instructions(F))
        if (auto *Call = dyn_cast<CallBase>(&I); Call && mayMigrate(*Call))
            return true;
    return false;
}

Migratability::Migratability(Module &M) {
    std::vector<Function *> Rest;
    auto Add = [&](Function *F) {
        Functions.insert(F);
        if (F->hasAddressTaken())
            IndirectKeys.insert(keyOf(F->getFunctionType()));
    };
    for (Function &F : M) {
        if (F.isDeclaration())
            continue;
        if (callsSetjmp(F))
            Add(&F);
        else
            Rest.push_back(&F);
    }
    for (bool Changed = true; Changed;) {
        Changed = false;
        erase_if(Rest, [&](Function *F) {
            if (!mayReach(*F))
                return false;
            Add(F);
            return Changed = true;
        });
    }
}

} // namespace popcorn
