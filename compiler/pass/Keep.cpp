// SPDX-License-Identifier: MIT
//
// What of the linked module stays visible; all else becomes internal, so that the optimiser may change it and
// drop it. Visible is what popcorn-ld lists, as native code or the user refers to it, and those functions of
// libm that code generators may call for what is in the program: for an intrinsic, for frem, and for what the
// optimiser may still turn into one. The linked module has all of libm; only what is reached counts.

#include "Keep.h"
#include "Steps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Operator.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Transforms/IPO/Internalize.h"
#include <set>

using namespace llvm;

static cl::opt<std::string> KeepFile("popcorn-keep", cl::desc("Names that stay visible, one a line"));
static cl::opt<std::string> UndefinedFile("popcorn-undefined",
                                          cl::desc("Where to list the names that native code has to define"));

namespace popcorn {

// Intrinsics that become calls of libm's function of the same name where an ISA lacks the instruction.
static const char *const Math[] = {
    "sin",   "cos",    "tan",     "asin",  "acos",   "atan", "sinh",  "cosh",  "tanh",  "exp",   "exp2",
    "exp10", "log",    "log2",    "log10", "pow",    "sqrt", "floor", "ceil",  "trunc", "rint",  "copysign",
    "round", "lround", "llround", "lrint", "llrint", "fma",  "ldexp", "frexp", "modf",  "atan2", "nearbyint",
};

// And those that become another's.
static constexpr std::pair<const char *, const char *> OtherMath[] = {{"minnum", "fmin"}, {"maxnum", "fmax"}};

static StringMap<StringRef> functionsOfIntrinsics() {
    StringMap<StringRef> Functions;
    for (StringRef Name : Math)
        Functions[Name] = Name;
    for (auto [Intrinsic, Function] : OtherMath)
        Functions[Intrinsic] = Function;
    return Functions;
}

static std::string inPrecision(StringRef Function, const Type *T) {
    T = T->getScalarType();
    return (Function + (T->isFloatTy() ? "f" : T->isFP128Ty() ? "l" : "")).str();
}

using Names = SmallVector<std::string, 2>;

// The functions of libm that a code generator may call for an instruction, or the one of libc that the pass
// makes of it: it must still have its parameters then.
static Names libraryFunctions(const Instruction &I) {
    static const StringMap<StringRef> Functions = functionsOfIntrinsics();
    if (I.getOpcode() == Instruction::FRem)
        return {inPrecision("fmod", I.getType())};
    if (StringRef Locked = lockedFunction(I); !Locked.empty())
        return {Locked.str()};
    auto *Call = dyn_cast<IntrinsicInst>(&I);
    if (!Call || !Call->arg_size())
        return {};
    StringRef Name = Call->getCalledFunction()->getName();
    Name.consume_front("llvm.");
    Name.consume_front("experimental.constrained.");
    auto Found = Functions.find(Name.split('.').first);
    if (Found == Functions.end())
        return {};
    const Type *T = Call->getArgOperand(0)->getType();
    Names All = {inPrecision(Found->second, T)};
    if (Call->getIntrinsicID() == Intrinsic::pow && Call->hasApproxFunc()) // to the power of a third
        All.push_back(inPrecision("cbrt", T));
    return All;
}

namespace {

// Follows all references from what is visible, and makes visible what turns out to have to be.
class Reach {
  public:
    Reach(const Module &M, StringSet<> &Visible) : M(M), Visible(Visible) {
        for (StringRef Name : Math)
            for (const char *Ending : {"", "f", "l"})
                IsMath.insert((Name + Ending).str());
        for (const GlobalValue &G : M.global_values())
            if (!G.isDeclaration() && (Visible.contains(G.getName()) || G.getName().starts_with("llvm.")))
                add(&G);
        while (!Work.empty())
            visit(*Work.pop_back_val());
    }

  private:
    void add(const Value *V) {
        if (auto *C = dyn_cast<Constant>(V); C && Seen.insert(C).second)
            Work.push_back(C);
    }

    void visit(const Constant &C) {
        for (const Use &U : C.operands())
            add(U);
        if (auto *F = dyn_cast<Function>(&C); F && !F->isDeclaration()) {
            if (IsMath.contains(F->getName())) // the optimiser knows it, and its intrinsic
                Visible.insert(F->getName());
            for (const Instruction &I : instructions(*F))
                visit(I);
        }
    }

    void visit(const Instruction &I) {
        for (const Use &U : I.operands())
            add(U);
        for (const std::string &Name : libraryFunctions(I))
            if (const GlobalValue *G = M.getNamedValue(Name)) {
                Visible.insert(Name);
                add(G);
            }
    }

    const Module &M;
    StringSet<> &Visible;
    StringSet<> IsMath;
    DenseSet<const Constant *> Seen;
    SmallVector<const Constant *, 64> Work;
};

} // namespace

void keepVisible(Module &M) {
    StringSet<> Visible = {"trunc", "truncf", "truncl"}; // for conversions to integers and back
    auto File = MemoryBuffer::getFile(KeepFile, /*IsText=*/true);
    if (!File)
        report_fatal_error(Twine("popcorn: ") + KeepFile + ": " + File.getError().message());
    SmallVector<StringRef, 0> Lines;
    (*File)->getBuffer().split(Lines, '\n', -1, false);
    for (StringRef Line : Lines)
        Visible.insert(Line);
    Reach(M, Visible);
    internalizeModule(M, [&](const GlobalValue &G) { return Visible.contains(G.getName()); });
}

void declareLibraryFunctions(Module &M) {
    std::set<std::string> Needed;
    for (const Function &F : M)
        for (const Instruction &I : instructions(F))
            for (const std::string &Name : libraryFunctions(I))
                Needed.insert(Name);
    for (const std::string &Name : Needed)
        M.getOrInsertFunction(Name, FunctionType::get(Type::getVoidTy(M.getContext()), false));
}

void listUndefined(const Module &M) {
    if (UndefinedFile.empty())
        return;
    std::error_code Error;
    raw_fd_ostream Out(UndefinedFile, Error);
    for (const GlobalValue &G : M.global_values()) {
        auto *F = dyn_cast<Function>(&G);
        if (!Error && G.isDeclaration() && !G.hasExternalWeakLinkage() && !(F && F->isIntrinsic()))
            Out << GlobalValue::dropLLVMManglingEscape(G.getName()) << '\n';
    }
    Out.close();
    if (!Error)
        Error = Out.error();
    if (Error)
        report_fatal_error("popcorn: " + Twine(UndefinedFile) + ": " + Error.message());
}

} // namespace popcorn
