// SPDX-License-Identifier: MIT
//
// What capture and rebuild have to know about sites and functions that is the same on every ISA; abi.h has
// the format.

#include "Pieces.h"
#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace llvm;

namespace popcorn {

static void markLive(const Frame &Fr, const Site &S, MutableArrayRef<char> Row) {
    for (unsigned Index : S.Live) {
        const LiveValue &L = Fr.Values[Index];
        for (unsigned Slot = L.Slot; Slot < L.Slot + pieceCount(L.V->getType()); Slot++)
            Row[Slot / 8] |= 1 << Slot % 8;
    }
}

// The rows of a frame's sites, behind those of other frames.
static void addRows(const Frame &Fr, SmallVectorImpl<char> &Rows) {
    size_t Width = divideCeil(Fr.NumSlots, 8);
    for (const Site &S : Fr.Sites) {
        Rows.resize(Rows.size() + Width);
        markLive(Fr, S, MutableArrayRef(Rows).take_back(Width));
    }
}

// The contents of POPCORN_SECTION_FRAMES.
static SmallString<0> describeFrames(ArrayRef<Frame> Frames, uint32_t SiteCount) {
    SmallString<0> Out, Rows;
    raw_svector_ostream OS(Out);
    support::endian::Writer W(OS, endianness::little);
    std::vector<uint32_t> Begin;
    for (const Frame &Fr : Frames) {
        Begin.push_back(Rows.size());
        addRows(Fr, Rows);
    }
    for (uint32_t Word : {SiteCount, uint32_t(Frames.size()), uint32_t(Rows.size()), 0u})
        W.write(Word);
    uint32_t FirstSite = 1;
    for (size_t I = 0; I < Frames.size(); I++) {
        const Frame &Fr = Frames[I];
        if (Fr.NumSlots > POPCORN_SLOTS_MOST)
            report_fatal_error("popcorn: too many live values in " + Fr.F->getName());
        W.write(FirstSite);
        W.write(Begin[I]);
        W.write(uint16_t(Fr.NumSlots));
        W.write(uint16_t(Fr.HasSetjmp ? POPCORN_SITE_SETJMP : 0));
        FirstSite += Fr.Sites.size();
    }
    OS << Rows;
    return Out;
}

static GlobalVariable *define(Module &M, const Twine &Name, Constant *Init) {
    GlobalVariable *G = M.getNamedGlobal(Name.str());
    auto *New = new GlobalVariable(M, Init->getType(), true, GlobalValue::ExternalLinkage, Init, Name);
    New->setDSOLocal(true);
    if (G) {
        New->takeName(G);
        G->replaceAllUsesWith(New);
        G->eraseFromParent();
    }
    return New;
}

void emitTables(Module &M, ArrayRef<Frame> Frames, uint32_t SiteCount) {
    LLVMContext &C = M.getContext();
    Type *I32 = Type::getInt32Ty(C);
    SmallString<0> Description = describeFrames(Frames, SiteCount), Names;
    std::vector<Constant *> Resume;
    for (const Frame &Fr : Frames) {
        Resume.push_back(Fr.Resume);
        Names += Fr.F->getName();
        Names.push_back('\0');
    }
    uint64_t Hash = xxh3_64bits(StringRef(Description)) ^ 3 * xxh3_64bits(StringRef(Names));

    define(M, "__popcorn_frames", ConstantDataArray::getString(C, Description, false))
        ->setSection(POPCORN_SECTION_FRAMES);
    define(M, "__popcorn_func_count", ConstantInt::get(I32, Frames.size()));
    define(M, "__popcorn_resume",
           ConstantArray::get(ArrayType::get(PointerType::get(C, 0), Resume.size()), Resume));
    define(M, "__popcorn_names", ConstantDataArray::getString(C, Names));
    define(M, "__popcorn_layout_hash", ConstantInt::get(Type::getInt64Ty(C), Hash));
}

} // namespace popcorn
