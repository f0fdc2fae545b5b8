// SPDX-License-Identifier: MIT
//
// Variables in a section of their own name, which a program walks from __start_NAME to __stop_NAME. A linker
// would collect them for each ISA; the module has them all, so they become the fields of one variable.

#include "Steps.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"
#include <map>

using namespace llvm;

namespace popcorn {

namespace {

// What becomes one variable: fields as they would lie in the section, with the space between them made
// explicit.
struct Collection {
    std::vector<GlobalVariable *> Variables;
    std::vector<uint64_t> Offsets;
    std::vector<Constant *> Fields;
    uint64_t Size = 0;
    Align Alignment;
    bool IsConstant = true;

    void add(GlobalVariable &G) {
        const DataLayout &DL = G.getDataLayout();
        Align Wanted = std::max(G.getAlign().valueOrOne(), DL.getABITypeAlign(G.getValueType()));
        uint64_t Offset = alignTo(Size, Wanted);
        if (Offset != Size)
            Fields.push_back(
                ConstantAggregateZero::get(ArrayType::get(Type::getInt8Ty(G.getContext()), Offset - Size)));
        Variables.push_back(&G);
        Offsets.push_back(Offset);
        Fields.push_back(G.getInitializer());
        Size = Offset + DL.getTypeAllocSize(G.getValueType());
        Alignment = std::max(Alignment, Wanted);
        IsConstant &= G.isConstant();
    }
};

} // namespace

static bool isWalked(const Module &M, StringRef Section) {
    return M.getNamedGlobal(("__start_" + Section).str()) || M.getNamedGlobal(("__stop_" + Section).str());
}

static void replace(GlobalVariable *G, Constant *Address) {
    if (!G)
        return;
    G->replaceAllUsesWith(Address);
    G->eraseFromParent();
}

static void join(Module &M, StringRef Section, Collection &Parts) {
    LLVMContext &C = M.getContext();
    Constant *Content = ConstantStruct::getAnon(C, Parts.Fields, /*Packed=*/true);
    auto *Whole = new GlobalVariable(M, Content->getType(), Parts.IsConstant, GlobalValue::InternalLinkage,
                                     Content, "section." + Section);
    Whole->setAlignment(Parts.Alignment);
    auto At = [&](uint64_t Offset) {
        return ConstantExpr::getGetElementPtr(Type::getInt8Ty(C), Whole,
                                              ConstantInt::get(Type::getInt64Ty(C), Offset));
    };
    for (auto [G, Offset] : zip(Parts.Variables, Parts.Offsets))
        replace(G, At(Offset));
    replace(M.getNamedGlobal(("__start_" + Section).str()), Whole);
    replace(M.getNamedGlobal(("__stop_" + Section).str()), At(Parts.Size));
}

void joinNamedSections(Module &M) {
    std::map<StringRef, Collection> Sections;
    for (GlobalVariable &G : M.globals())
        if (!G.isDeclaration() && !G.isThreadLocal() && G.hasSection() && isWalked(M, G.getSection()))
            Sections[G.getSection()].add(G);
    removeFromUsedLists(M, [&](Constant *Used) {
        auto *G = dyn_cast<GlobalVariable>(Used->stripPointerCasts());
        return G && Sections.count(G->getSection());
    });
    for (auto &[Name, Parts] : Sections)
        join(M, Name, Parts);
}

} // namespace popcorn
