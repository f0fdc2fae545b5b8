// SPDX-License-Identifier: MIT
//
// A value that one cheap instruction makes of another value (a comparison with a constant, a cast, a field's
// address) is made again in each block that uses it. So one value is live across a call instead of many that
// follow from it: records, their tables and the entries of resume bodies are smaller, and a comparison need
// not be turned into a byte before each call. A frame never gets more values by it, as each such value is
// replaced by the one it is made of. Where this lengthens a loop, the code generator hoists it again.

#include "Steps.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace popcorn {

static bool isScalar(const Type *T) {
    return T->isPointerTy() || (T->isIntegerTy() && T->getIntegerBitWidth() <= 64);
}

static bool isCheap(const Instruction &I) {
    switch (I.getOpcode()) {
    case Instruction::ICmp:
    case Instruction::GetElementPtr:
    case Instruction::Trunc:
    case Instruction::ZExt:
    case Instruction::SExt:
    case Instruction::PtrToInt:
    case Instruction::IntToPtr:
    case Instruction::Add:
    case Instruction::Sub:
    case Instruction::And:
    case Instruction::Or:
    case Instruction::Xor:
    case Instruction::Shl:
    case Instruction::LShr:
    case Instruction::AShr:
        return isScalar(I.getType());
    default:
        return false;
    }
}

// The one value that I follows from, or null.
static const Value *sourceOf(const Instruction &I) {
    const Value *Source = nullptr;
    for (const Value *V : I.operands()) {
        if (isa<Constant>(V))
            continue;
        if ((Source && Source != V) || !isScalar(V->getType()))
            return nullptr;
        Source = V;
    }
    return Source;
}

static bool leavesBlock(const Value &V, const BasicBlock *BB) {
    return any_of(V.users(), [&](const User *U) {
        auto *I = cast<Instruction>(U);
        return I->getParent() != BB || isa<PHINode>(I);
    });
}

// A phi's value of the next round takes the phi's place, if the phi does not live on: to make it again would
// keep both alive.
static bool isWorthwhile(const Instruction &I) {
    const Value *Source = sourceOf(I);
    auto *Phi = dyn_cast_or_null<PHINode>(Source);
    if (Phi && is_contained(Phi->incoming_values(), &I))
        return leavesBlock(*Phi, I.getParent());
    return Source;
}

static void makeAgain(Instruction &I) {
    SmallVector<Use *, 8> Uses;
    for (Use &U : I.uses())
        Uses.push_back(&U);
    DenseMap<BasicBlock *, Instruction *> AtBegin, AtEnd;
    for (Use *U : Uses) {
        auto *User = cast<Instruction>(U->getUser());
        auto *Phi = dyn_cast<PHINode>(User);
        BasicBlock *Where = Phi ? Phi->getIncomingBlock(*U) : User->getParent();
        if (Where == I.getParent())
            continue;
        Instruction *&Again = Phi ? AtEnd[Where] : AtBegin[Where];
        if (!Again) {
            Again = I.clone();
            Again->insertBefore(Phi ? Where->getTerminator()->getIterator() : Where->getFirstInsertionPt());
        }
        U->set(Again);
    }
    if (I.use_empty())
        I.eraseFromParent();
}

// Users come before what they are made of, so that chains are followed to their beginning.
void rematerialise(Function &F) {
    std::vector<BasicBlock *> Order(po_begin(&F), po_end(&F));
    for (BasicBlock *BB : Order)
        for (Instruction &I : make_early_inc_range(reverse(*BB)))
            if (isCheap(I) && isWorthwhile(I))
                makeAgain(I);
}

} // namespace popcorn
