// SPDX-License-Identifier: MIT
//
// Thread-local variables without ELF TLS, whose layouts differ between ISAs: all of them form one block
// behind the thread pointer (abi.h), initialised variables first. The thread pointer is the same number
// wherever the thread runs, so their addresses are too.

#include "popcorn/abi.h"
#include "Steps.h"
#include "Uses.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/ReplaceConstant.h"

using namespace llvm;

namespace popcorn {

namespace {
struct Block {
    std::vector<std::pair<GlobalVariable *, uint64_t>> Variables; // with offset in the block
    uint64_t FileSize = 0;
    uint64_t Size = 0;
    Align Alignment{16};
};
} // namespace

static void append(Block &TLS, GlobalVariable &G, const DataLayout &DL) {
    Align A = DL.getPreferredAlign(&G);
    TLS.Alignment = std::max(TLS.Alignment, A);
    TLS.Size = alignTo(TLS.Size, A);
    TLS.Variables.push_back({&G, TLS.Size});
    TLS.Size += DL.getTypeAllocSize(G.getValueType());
}

static Block layOut(Module &M) {
    Block TLS;
    auto Each = [&](bool Zero) {
        for (GlobalVariable &G : M.globals())
            if (G.isThreadLocal() && !G.isDeclaration() && G.getInitializer()->isNullValue() == Zero)
                append(TLS, G, M.getDataLayout());
    };
    Each(false);
    TLS.FileSize = TLS.Size;
    Each(true);
    return TLS;
}

static Constant *initialImage(Module &M, const Block &TLS) {
    LLVMContext &C = M.getContext();
    SmallVector<Constant *, 16> Fields;
    uint64_t End = 0;
    for (auto [G, Offset] : TLS.Variables) {
        if (G->getInitializer()->isNullValue())
            break;
        if (Offset > End)
            Fields.push_back(ConstantAggregateZero::get(ArrayType::get(Type::getInt8Ty(C), Offset - End)));
        Fields.push_back(G->getInitializer());
        End = Offset + M.getDataLayout().getTypeAllocSize(G->getValueType());
    }
    return ConstantStruct::getAnon(C, Fields, true);
}

static void describe(Module &M, const Block &TLS) {
    LLVMContext &C = M.getContext();
    Type *I64 = Type::getInt64Ty(C);
    Constant *Init = initialImage(M, TLS);
    auto *Image = new GlobalVariable(M, Init->getType(), true, GlobalValue::InternalLinkage, Init,
                                     "__popcorn_tls_image");
    Image->setAlignment(TLS.Alignment);
    Constant *Desc = ConstantStruct::getAnon(C, {Image, ConstantInt::get(I64, TLS.FileSize),
                                                 ConstantInt::get(I64, TLS.Size),
                                                 ConstantInt::get(I64, TLS.Alignment.value())});
    new GlobalVariable(M, Desc->getType(), true, GlobalValue::ExternalLinkage, Desc, "__popcorn_tls");
}

static Value *addressOf(IRBuilder<> &B, uint64_t Offset) {
    Value *ThreadPointer = B.CreateIntrinsic(Intrinsic::thread_pointer, {}, {});
    return B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), ThreadPointer, Offset);
}

static void replaceUses(GlobalVariable *G, uint64_t Offset) {
    convertUsersOfConstantsToInstructions({G});
    for (User *U : make_early_inc_range(G->users()))
        if (auto *Call = dyn_cast<IntrinsicInst>(U);
            Call && Call->getIntrinsicID() == Intrinsic::threadlocal_address) {
            IRBuilder<> B(Call);
            Call->replaceAllUsesWith(addressOf(B, Offset));
            Call->eraseFromParent();
        }
    replaceEachUse(G, [&](IRBuilder<> &B) { return addressOf(B, Offset); });
}

ThreadLocalMap lowerThreadLocals(Module &M) {
    ThreadLocalMap Offsets;
    Block TLS = layOut(M);
    describe(M, TLS);
    uint64_t First = alignTo(POPCORN_TCB_SIZE, TLS.Alignment);
    for (auto [G, Offset] : TLS.Variables) {
        Offsets[G->getName().str()] = First + Offset;
        replaceUses(G, First + Offset);
        G->eraseFromParent();
    }
    return Offsets;
}

} // namespace popcorn
