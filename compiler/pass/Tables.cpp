// SPDX-License-Identifier: MIT
//
// What capture and rebuild have to know about sites and functions that is the same on every ISA; abi.h has
// the format.

#include "Pieces.h"
#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace llvm;

namespace popcorn {

namespace {
struct SiteTable {
    std::vector<uint32_t> Offsets;
    SmallString<0> Blob;
};
} // namespace

static std::vector<unsigned> slotsOf(const Frame &Fr, const Site &S) {
    std::vector<unsigned> Slots;
    for (unsigned Index : S.Live) {
        const LiveValue &L = Fr.Values[Index];
        for (unsigned I = 0; I < pieceCount(L.V->getType()); I++)
            Slots.push_back(L.Slot + I);
    }
    return Slots;
}

static void describe(const Frame &Fr, uint32_t Function, const Site &S, raw_ostream &Out) {
    std::vector<unsigned> Slots = slotsOf(Fr, S);
    encodeULEB128(Function, Out);
    encodeULEB128(Fr.HasSetjmp ? POPCORN_SITE_SETJMP : 0, Out);
    encodeULEB128(Slots.size(), Out);
    unsigned Before = 0;
    for (unsigned Slot : Slots) {
        encodeULEB128(Slot - Before, Out);
        Before = Slot;
    }
}

static SiteTable describeSites(ArrayRef<Frame> Frames, uint32_t Count) {
    SiteTable T;
    T.Offsets.resize(Count, 0);
    raw_svector_ostream Out(T.Blob);
    for (size_t I = 0; I < Frames.size(); I++)
        for (const Site &S : Frames[I].Sites) {
            T.Offsets[S.Number] = T.Blob.size();
            describe(Frames[I], I, S, Out);
        }
    return T;
}

static void define(Module &M, const Twine &Name, Constant *Init) {
    GlobalVariable *G = M.getNamedGlobal(Name.str());
    auto *New = new GlobalVariable(M, Init->getType(), true, GlobalValue::ExternalLinkage, Init, Name);
    New->setDSOLocal(true);
    if (G) {
        New->takeName(G);
        G->replaceAllUsesWith(New);
        G->eraseFromParent();
    }
}

void emitTables(Module &M, ArrayRef<Frame> Frames, uint32_t SiteCount) {
    LLVMContext &C = M.getContext();
    Type *I32 = Type::getInt32Ty(C);
    SiteTable Sites = describeSites(Frames, SiteCount);
    SmallString<0> Names;
    std::vector<Constant *> Functions;
    auto *FunctionType = StructType::get(C, {PointerType::get(C, 0), I32, I32});
    for (const Frame &Fr : Frames) {
        Functions.push_back(ConstantStruct::get(FunctionType, {Fr.Resume, ConstantInt::get(I32, Names.size()),
                                                               ConstantInt::get(I32, Fr.NumSlots)}));
        Names += Fr.F->getName();
        Names.push_back('\0');
    }
    uint64_t Hash = xxh3_64bits(StringRef(Sites.Blob)) ^ 3 * xxh3_64bits(StringRef(Names)) ^ SiteCount;

    define(M, "__popcorn_site_count", ConstantInt::get(I32, SiteCount));
    define(M, "__popcorn_site_offset", ConstantDataArray::get(C, Sites.Offsets));
    define(M, "__popcorn_site_blob", ConstantDataArray::getString(C, Sites.Blob));
    define(M, "__popcorn_func_count", ConstantInt::get(I32, Frames.size()));
    define(M, "__popcorn_funcs",
           ConstantArray::get(ArrayType::get(FunctionType, Functions.size()), Functions));
    define(M, "__popcorn_names", ConstantDataArray::getString(C, Names));
    define(M, "__popcorn_layout_hash", ConstantInt::get(Type::getInt64Ty(C), Hash));
}

} // namespace popcorn
