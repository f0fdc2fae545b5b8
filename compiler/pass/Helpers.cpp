// SPDX-License-Identifier: MIT
//
// The functions that code generators call by name (popcorn/helpers.h) are native code, outside the module. So
// what the program itself defines under such a name gets another one, lest a code generator call it by a
// convention of its own; and what the program calls under such a name must have the types that every backend
// passes alike.

#include "popcorn/helpers.h"
#include "Steps.h"

using namespace llvm;

namespace popcorn {

static const char *signatureOf(StringRef Name) {
    static const StringMap<const char *> Helpers = {
#define HELPER(Name, Signature) {#Name, Signature},
        POPCORN_HELPERS(HELPER)
#undef HELPER
    };
    return Helpers.lookup(Name);
}

static Type *typeOf(LLVMContext &C, char Letter) {
    switch (Letter) {
    case 'i':
        return Type::getInt32Ty(C);
    case 'l':
        return Type::getInt64Ty(C);
    case 't':
        return Type::getInt128Ty(C);
    case 'p':
        return PointerType::get(C, 0);
    case 'h':
        return Type::getHalfTy(C);
    case 'b':
        return Type::getBFloatTy(C);
    case 'f':
        return Type::getFloatTy(C);
    case 'd':
        return Type::getDoubleTy(C);
    case 'q':
        return Type::getFP128Ty(C);
    }
    llvm_unreachable("popcorn/helpers.h has no such letter");
}

bool isHelperOfOtherType(const Function &F, const FunctionType &T) {
    const char *Signature = F.isDeclaration() ? signatureOf(F.getName()) : nullptr;
    if (!Signature)
        return false;
    SmallVector<Type *, 4> Types;
    for (const char *Letter = Signature; *Letter; Letter++)
        Types.push_back(typeOf(F.getContext(), *Letter));
    return &T != FunctionType::get(Types[0], ArrayRef(Types).drop_front(), false);
}

void freeHelperNames(Module &M) {
    for (Function &F : M)
        if (!F.isDeclaration() && signatureOf(F.getName()))
            F.setName(F.getName() + ".program");
}

} // namespace popcorn
