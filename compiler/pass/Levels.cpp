// SPDX-License-Identifier: MIT
//
// Code for machines that have more than their ISA's baseline: `-passes=popcorn-levels,…,popcorn-levels-end`
// around the optimisation of one image. A function of which a good part is loops that call nothing, which may
// become vector loops, gets a further version for each level that -popcorn-level names, and begins by a look
// at what this machine has. After the optimisation, versions that are no better go again.
//
// All versions have the same sites and record the same values, so a thread that runs one can be captured
// and go on elsewhere as ever: where it lands, on a machine of any level, its frames are made anew.

#include "popcorn/abi.h"
#include "Steps.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace popcorn {

static cl::list<std::string> LevelOptions("popcorn-level", cl::value_desc("number:processor"),
                                          cl::desc("a level: as __popcorn_level has it, and as -mcpu"));

namespace {
struct Level {
    unsigned Number;
    StringRef Cpu;
};
} // namespace

static constexpr StringLiteral Mark = "popcorn-level"; // on the version

// A version is a copy of the whole function: its loops have to be at least one part in so many of it.
static constexpr size_t Share = 16;

static bool mayGain(Function &F) {
    if (F.isDeclaration() || F.hasOptNone() || F.hasOptSize() || F.hasFnAttribute(Attribute::Cold) ||
        F.getSection() == POPCORN_SECTION_RESUME || F.callsFunctionThatReturnsTwice())
        return false;
    for (const Instruction &I : instructions(F)) // it has to become a call in the last place
        if (auto *Call = dyn_cast<CallBase>(&I); Call && isSetjmp(*Call))
            return false;
    size_t Loops = sizeOfPlainLoops(F);
    return Loops && Loops * Share >= F.getInstructionCount();
}

// The lowest first.
static std::vector<Level> levels() {
    std::vector<Level> Out;
    for (StringRef Option : LevelOptions) {
        auto [Number, Cpu] = Option.split(':');
        Level L{0, Cpu};
        if (Number.getAsInteger(10, L.Number) || Cpu.empty())
            report_fatal_error("popcorn: -popcorn-level=" + Option + ": not NUMBER:PROCESSOR");
        Out.push_back(L);
    }
    sort(Out, [](const Level &A, const Level &B) { return A.Number < B.Number; });
    return Out;
}

static Function *makeVersion(Function &F, const Level &L) {
    ValueToValueMapTy Map;
    Function *N = CloneFunction(&F, Map);
    N->setName(F.getName() + ".level" + Twine(L.Number));
    N->setLinkage(GlobalValue::InternalLinkage);
    N->setSection("");
    N->addFnAttr("target-cpu", L.Cpu);
    N->addFnAttr(Mark);
    return N;
}

static void goOnAs(IRBuilder<> &B, Function &F, Function &Version) {
    SmallVector<Value *, 8> Args;
    SmallVector<AttributeSet, 8> Attributes;
    for (Argument &A : F.args()) {
        Args.push_back(&A);
        Attributes.push_back(F.getAttributes().getParamAttrs(A.getArgNo()));
    }
    CallInst *Call = B.CreateCall(&Version, Args);
    Call->setCallingConv(F.getCallingConv());
    Call->setAttributes(
        AttributeList::get(F.getContext(), AttributeSet(), F.getAttributes().getRetAttrs(), Attributes));
    Call->setTailCallKind(CallInst::TCK_MustTail);
    if (Call->getType()->isVoidTy())
        B.CreateRetVoid();
    else
        B.CreateRet(Call);
}

// `if (__popcorn_level >= number) return version(…);` in front of what the function does.
static void chooseVersion(Function &F, Function &Version, const Level &L) {
    LLVMContext &C = F.getContext();
    BasicBlock *Old = &F.getEntryBlock();
    BasicBlock *Entry = BasicBlock::Create(C, "level", &F, Old),
               *Better = BasicBlock::Create(C, "better", &F);
    IRBuilder<> B(Entry);
    Type *Byte = B.getInt8Ty();
    auto *Ours = cast<GlobalVariable>(F.getParent()->getOrInsertGlobal("__popcorn_level", Byte));
    Ours->setDSOLocal(true);
    Value *Has = B.CreateICmpUGE(B.CreateLoad(Byte, Ours), B.getInt8(L.Number));
    BranchInst *Branch = B.CreateCondBr(Has, Better, Old);
    for (Instruction &I : make_early_inc_range(*Old))
        if (auto *A = dyn_cast<AllocaInst>(&I); A && A->isStaticAlloca())
            A->moveBefore(Branch);
    B.SetInsertPoint(Better);
    goOnAs(B, F, Version);
}

void makeLevels(Module &M) {
    std::vector<Function *> Chosen;
    for (Function &F : M)
        if (mayGain(F))
            Chosen.push_back(&F);
    const std::vector<Level> Levels = levels();
    for (Function *F : Chosen) {
        std::vector<Function *> Versions;
        for (const Level &L : Levels)
            Versions.push_back(makeVersion(*F, L));
        for (size_t I = 0; I < Levels.size(); I++)
            chooseVersion(*F, *Versions[I], Levels[I]);
    }
}

static uint64_t widestVector(const Function &F) {
    uint64_t Widest = 0;
    for (const Instruction &I : instructions(F))
        if (auto *T = dyn_cast<VectorType>(I.getType()))
            Widest = std::max(Widest, T->getPrimitiveSizeInBits().getKnownMinValue());
    return Widest;
}

// The function goes on as if there were no other version.
static void drop(Function &Version) {
    auto *Call = cast<CallInst>(Version.user_back());
    BasicBlock *Better = Call->getParent();
    auto *Branch = cast<BranchInst>(Better->getSinglePredecessor()->getTerminator());
    BasicBlock *Old = Branch->getSuccessor(Branch->getSuccessor(0) == Better);
    auto *Has = cast<Instruction>(Branch->getCondition());
    BranchInst::Create(Old, Branch->getIterator());
    Branch->eraseFromParent();
    auto *Load = cast<Instruction>(Has->getOperand(0));
    Has->eraseFromParent();
    Load->eraseFromParent();
    Better->eraseFromParent();
    Version.eraseFromParent();
}

void dropPoorLevels(Module &M) {
    for (Function &Version : make_early_inc_range(M)) {
        if (Version.isDeclaration() || !Version.hasFnAttribute(Mark) || !Version.hasOneUse())
            continue;
        auto *Call = dyn_cast<CallInst>(Version.user_back());
        if (Call && widestVector(Version) <= widestVector(*Call->getFunction()))
            drop(Version);
    }
}

} // namespace popcorn
