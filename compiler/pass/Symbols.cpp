// SPDX-License-Identifier: MIT
//
// The program's own symbols for dlsym and dladdr, if they are part of the program. popcorn-ld knows which
// names are global; in the module most of them have become internal. What the optimiser was free to change
// because it saw every use, a function's parameters or whether a variable is there at all, must not be found:
// without --export-dynamic, that leaves what has its address taken.

#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/IR/Constants.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/GlobalStatus.h"

using namespace llvm;

static cl::opt<std::string> SymbolFile("popcorn-symbols",
                                       cl::desc("Global names, one a line: +NAME is exported, -NAME is not"));

namespace popcorn {

static bool isFound(const GlobalValue &G, bool Exported) {
    if (G.isDeclaration())
        return false;
    if (Exported)
        return true;
    if (auto *F = dyn_cast<Function>(&G))
        return F->hasAddressTaken();
    GlobalStatus Status;
    return GlobalStatus::analyzeGlobal(&G, Status); // true: its address is taken
}

std::vector<Symbol> findSymbols(Module &M) {
    std::vector<Symbol> Found;
    if (!M.getNamedGlobal("__popcorn_symbols") || SymbolFile.empty())
        return Found;
    auto File = MemoryBuffer::getFile(SymbolFile, /*IsText=*/true);
    if (!File)
        report_fatal_error(Twine("popcorn: ") + SymbolFile + ": " + File.getError().message());
    SmallVector<StringRef, 0> Lines;
    (*File)->getBuffer().split(Lines, '\n', -1, false);
    for (StringRef Line : Lines) {
        StringRef Name = Line.drop_front();
        GlobalValue *G = M.getNamedValue(Name);
        if (G && isFound(*G, Line.front() == '+'))
            Found.push_back({Name.str(), G});
    }
    sort(Found, [](const Symbol &A, const Symbol &B) { return A.Name < B.Name; });
    return Found;
}

static Constant *describe(Module &M, const Symbol &S, const ThreadLocalMap &ThreadLocals) {
    LLVMContext &C = M.getContext();
    Type *I64 = Type::getInt64Ty(C);
    auto *Text = new GlobalVariable(M, ArrayType::get(Type::getInt8Ty(C), S.Name.size() + 1), true,
                                    GlobalValue::PrivateLinkage, ConstantDataArray::getString(C, S.Name),
                                    "__popcorn_symbol_name");
    Constant *Address = ConstantPointerNull::get(PointerType::get(C, 0));
    uint64_t Size = 0, ThreadOffset = 0;
    if (auto Place = ThreadLocals.find(S.Name); Place != ThreadLocals.end())
        ThreadOffset = Place->second;
    else
        Address = cast<Constant>(S.Value);
    if (auto *G = dyn_cast<GlobalVariable>(Address))
        Size = M.getDataLayout().getTypeAllocSize(G->getValueType());
    return ConstantStruct::getAnon(
        C, {Text, Address, ConstantInt::get(I64, Size), ConstantInt::get(I64, ThreadOffset)});
}

static void define(Module &M, StringRef Name, Constant *Init) {
    GlobalVariable *Declared = M.getNamedGlobal(Name);
    if (!Declared)
        return;
    auto *G = new GlobalVariable(M, Init->getType(), true, GlobalValue::InternalLinkage, Init);
    G->takeName(Declared);
    Declared->replaceAllUsesWith(G);
    Declared->eraseFromParent();
}

void emitSymbols(Module &M, ArrayRef<Symbol> Symbols, const ThreadLocalMap &ThreadLocals) {
    LLVMContext &C = M.getContext();
    Type *I64 = Type::getInt64Ty(C), *Pointer = PointerType::get(C, 0);
    std::vector<Constant *> Entries;
    for (const Symbol &S : Symbols)
        Entries.push_back(describe(M, S, ThreadLocals));
    Type *Entry = StructType::get(C, {Pointer, Pointer, I64, I64});
    define(M, "__popcorn_symbols", ConstantArray::get(ArrayType::get(Entry, Entries.size()), Entries));
    define(M, "__popcorn_symbol_count", ConstantInt::get(I64, Entries.size()));
}

} // namespace popcorn
