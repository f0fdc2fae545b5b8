// SPDX-License-Identifier: MIT

#include "Pieces.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/Support/ErrorHandling.h"

using namespace llvm;

namespace popcorn {

static bool isWhole(Type *T) {
    return T->isPointerTy() || T->isFloatTy() || T->isDoubleTy() || T->isIntegerTy(8) || T->isIntegerTy(16) ||
           T->isIntegerTy(32) || T->isIntegerTy(64);
}

// The integer that has the bits of a vector or of an unusual scalar.
static IntegerType *bitsOf(Type *T) {
    unsigned Width = T->getPrimitiveSizeInBits();
    if (auto *V = dyn_cast<FixedVectorType>(T); V && V->getElementType()->isPointerTy())
        Width = 64 * V->getNumElements();
    if (Width == 0)
        report_fatal_error("popcorn: a value of this type cannot be in a frame record");
    return IntegerType::get(T->getContext(), Width);
}

static Value *toBits(IRBuilder<> &B, Value *V) {
    if (auto *T = dyn_cast<FixedVectorType>(V->getType()); T && T->getElementType()->isPointerTy())
        V = B.CreatePtrToInt(V, FixedVectorType::get(B.getInt64Ty(), T->getNumElements()));
    return B.CreateBitCast(V, bitsOf(V->getType()));
}

static Value *fromBits(IRBuilder<> &B, Value *Bits, Type *T) {
    if (auto *V = dyn_cast<FixedVectorType>(T); V && V->getElementType()->isPointerTy())
        return B.CreateIntToPtr(
            B.CreateBitCast(Bits, FixedVectorType::get(B.getInt64Ty(), V->getNumElements())), T);
    return B.CreateBitCast(Bits, T);
}

static unsigned elementCount(Type *T) {
    return T->isStructTy() ? T->getStructNumElements() : T->getArrayNumElements();
}

static Type *elementType(Type *T, unsigned I) {
    return T->isStructTy() ? T->getStructElementType(I) : T->getArrayElementType();
}

unsigned pieceCount(Type *T) {
    if (isWhole(T))
        return 1;
    if (T->isAggregateType()) {
        unsigned Count = 0;
        for (unsigned I = 0; I < elementCount(T); I++)
            Count += pieceCount(elementType(T, I));
        return Count;
    }
    return (bitsOf(T)->getBitWidth() + 63) / 64;
}

static void cutInto(IRBuilder<> &B, Value *V, Pieces &Out) {
    Type *T = V->getType();
    if (isWhole(T)) {
        Out.push_back(V);
        return;
    }
    if (T->isAggregateType()) {
        for (unsigned I = 0; I < elementCount(T); I++)
            cutInto(B, B.CreateExtractValue(V, I), Out);
        return;
    }
    unsigned Count = pieceCount(T);
    Value *Bits = toBits(B, V);
    if (Bits->getType()->getIntegerBitWidth() < Count * 64)
        Bits = B.CreateZExt(Bits, B.getIntNTy(Count * 64));
    for (unsigned I = 0; I < Count; I++)
        Out.push_back(B.CreateTrunc(I ? B.CreateLShr(Bits, I * 64) : Bits, B.getInt64Ty()));
}

Pieces cut(IRBuilder<> &B, Value *V) {
    Pieces Out;
    cutInto(B, V, Out);
    return Out;
}

static Value *slotAddress(IRBuilder<> &B, Value *Image, unsigned Slot) {
    return Slot ? B.CreateConstInBoundsGEP1_64(B.getInt64Ty(), Image, Slot) : Image;
}

void storeToSlots(IRBuilder<> &B, Value *V, Value *Image, unsigned Slot) {
    for (Value *Piece : cut(B, V))
        B.CreateAlignedStore(Piece, slotAddress(B, Image, Slot++), Align(8));
}

static Value *loadPieces(IRBuilder<> &B, Type *T, Value *Image, unsigned &Slot) {
    if (isWhole(T))
        return B.CreateAlignedLoad(T, slotAddress(B, Image, Slot++), Align(8));
    if (T->isAggregateType()) {
        Value *V = PoisonValue::get(T);
        for (unsigned I = 0; I < elementCount(T); I++)
            V = B.CreateInsertValue(V, loadPieces(B, elementType(T, I), Image, Slot), I);
        return V;
    }
    unsigned Count = pieceCount(T);
    Value *Bits = B.CreateAlignedLoad(B.getIntNTy(Count * 64), slotAddress(B, Image, Slot), Align(8));
    Slot += Count;
    return fromBits(B, B.CreateTrunc(Bits, bitsOf(T)), T);
}

Value *loadFromSlots(IRBuilder<> &B, Type *T, Value *Image, unsigned Slot) {
    return loadPieces(B, T, Image, Slot);
}

} // namespace popcorn
