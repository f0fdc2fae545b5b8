// SPDX-License-Identifier: MIT
//
// One address for everything that has one. Variables go to sections that the linker puts at the same place in
// each image; as all of them come from one object file in module order, with explicit alignment, their
// offsets are equal by construction, and popcorn-ld compares the result byte by byte. A function whose
// address is taken gets a section of its own, for which popcorn-ld finds an address that suits every ISA.

#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace popcorn {

// Arrays are aligned as vectors are. But for text: there is much of it, and it is short.
static Align alignmentOf(const GlobalVariable &G) {
    const DataLayout &DL = G.getDataLayout();
    Align A = DL.getPreferredAlign(&G);
    auto *T = dyn_cast<ArrayType>(G.getValueType());
    bool IsText = T && T->getElementType()->isIntegerTy(8) && G.isConstant();
    return T && !IsText && DL.getTypeAllocSize(T) >= 16 ? std::max(A, Align(16)) : A;
}

static void placeVariable(GlobalVariable &G) {
    G.setUnnamedAddr(GlobalValue::UnnamedAddr::None); // the linker must not merge strings on one ISA only
    G.setAlignment(alignmentOf(G));
    if (G.hasCommonLinkage())
        G.setLinkage(GlobalValue::InternalLinkage);
    if (G.isConstant())
        G.setSection(POPCORN_SECTION_RODATA);
    else
        G.setSection(G.getInitializer()->isNullValue() ? POPCORN_SECTION_BSS : POPCORN_SECTION_DATA);
}

// A native function has another address on each ISA, so its address is that of a function of the module which
// calls it.
static void replaceNativeAddress(Function &F) {
    Function *Door = Function::Create(F.getFunctionType(), GlobalValue::InternalLinkage,
                                      F.getName() + ".portable", F.getParent());
    Door->setAttributes(F.getAttributes());
    Door->setCallingConv(F.getCallingConv());
    F.replaceUsesWithIf(Door, [](Use &U) {
        auto *Call = dyn_cast<CallBase>(U.getUser());
        return !Call || !Call->isCallee(&U);
    });
    IRBuilder<> B(BasicBlock::Create(F.getContext(), "", Door));
    SmallVector<Value *, 8> Args;
    for (Argument &A : Door->args())
        Args.push_back(&A);
    CallInst *Call = B.CreateCall(&F, Args);
    Call->setCallingConv(F.getCallingConv());
    if (F.getReturnType()->isVoidTy())
        B.CreateRetVoid();
    else
        B.CreateRet(Call);
}

static bool isNativeWithAddress(const Function &F) {
    return F.isDeclaration() && !F.isIntrinsic() && !F.hasExternalWeakLinkage() && F.hasAddressTaken();
}

void fixLayout(Module &M) {
    std::vector<Function *> Native;
    for (Function &F : M)
        if (isNativeWithAddress(F))
            Native.push_back(&F);
    for (Function *F : Native)
        replaceNativeAddress(*F);

    for (GlobalVariable &G : M.globals())
        if (!G.isDeclaration() && !G.getName().starts_with("llvm."))
            placeVariable(G);
    for (Function &F : M)
        if (F.getSection() == PlainSection)
            F.setSection("");
    unsigned Index = 0;
    for (Function &F : M)
        if (!F.isDeclaration() && F.hasAddressTaken()) {
            F.setSection(POPCORN_SECTION_TEXT + std::to_string(Index++));
            F.setAlignment(Align(16));
        }
}

// libc calls what lies between two symbols; a linker would collect that per ISA, the module has it whole.
static void defineRange(Module &M, StringRef Variable, StringRef Start, StringRef End) {
    LLVMContext &C = M.getContext();
    std::vector<std::pair<uint64_t, Constant *>> Entries;
    if (GlobalVariable *G = M.getNamedGlobal(Variable)) {
        if (auto *List = dyn_cast<ConstantArray>(G->getInitializer()))
            for (const Use &Entry : List->operands()) {
                auto *Fields = cast<ConstantStruct>(Entry);
                Entries.push_back(
                    {cast<ConstantInt>(Fields->getOperand(0))->getZExtValue(), Fields->getOperand(1)});
            }
        G->eraseFromParent();
    }
    stable_sort(Entries, less_first());
    std::vector<Constant *> Functions;
    for (auto &[Priority, F] : Entries)
        Functions.push_back(F);
    auto *T = ArrayType::get(PointerType::get(C, 0), Functions.size());
    auto *Array = new GlobalVariable(M, T, true, GlobalValue::InternalLinkage,
                                     ConstantArray::get(T, Functions), Variable.drop_front(strlen("llvm.")));
    Constant *Behind = ConstantExpr::getGetElementPtr(
        Type::getInt8Ty(C), Array, ConstantInt::get(Type::getInt64Ty(C), 8 * Functions.size()));
    for (auto [Name, Address] : {std::pair<StringRef, Constant *>{Start, Array}, {End, Behind}})
        if (GlobalVariable *G = M.getNamedGlobal(Name)) {
            G->replaceAllUsesWith(Address);
            G->eraseFromParent();
        }
}

void lowerConstructors(Module &M) {
    defineRange(M, "llvm.global_ctors", "__init_array_start", "__init_array_end");
    defineRange(M, "llvm.global_dtors", "__fini_array_start", "__fini_array_end");
}

} // namespace popcorn
