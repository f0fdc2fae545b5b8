// SPDX-License-Identifier: MIT
//
// The steps of the pass, in the order in which Plugin.cpp runs them, and what they hand to each other.
// docs/abi.md is the contract with popcorn-ld and the run time.

#ifndef POPCORN_PASS_STEPS_H
#define POPCORN_PASS_STEPS_H

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/IR/ValueHandle.h"
#include "llvm/Transforms/Utils/ValueMapper.h"
#include <map>
#include <string>
#include <vector>

namespace llvm {
class TargetPassConfig;
}

namespace popcorn {

using FunctionSet = llvm::SetVector<llvm::Function *>;

// A value that is live at some site of a function, and where the frame image keeps it.
struct LiveValue {
    llvm::WeakTrackingVH V;
    unsigned Slot; // the first of its slots; Pieces.h says how many it takes
};

// A call that may lead to a migration, or a call of setjmp.
struct Site {
    llvm::CallInst *Call; // becomes a gc.statepoint, unless it is a setjmp or a tail call
    uint32_t Number;
    bool IsSetjmp;
    bool IsTail; // a musttail call, which leaves the frame: only in second bodies does it stay below the call
    std::vector<unsigned> Live; // indices into Frame::Values, by ascending slot
};

// A loop header at which a resumed call goes over to the loop body, and what is live behind its phis.
struct LoopEntry {
    llvm::BasicBlock *Header;
    std::vector<llvm::WeakTrackingVH> Live;
};

// A function that may migrate, seen as the frame that capture and rebuild see.
struct Frame {
    llvm::Function *F = nullptr;
    llvm::Function *Resume = nullptr;
    bool HasSetjmp = false;
    unsigned NumSlots = 0;
    std::vector<LiveValue> Values;
    std::vector<Site> Sites;
    std::vector<LoopEntry> Loops;
    llvm::Function *LoopBody = nullptr; // if there are Loops
};

// Refuse.cpp: prints a line for each thing that cannot be the same program on every ISA, then ends the
// compilation.
void refuseUnsupported(llvm::Module &M);

// Helpers.cpp: the native functions that code generators call by name. May a declared one not be called by
// type T? Whatever the program defines under such a name gets another one.
bool isHelperOfOtherType(const llvm::Function &F, const llvm::FunctionType &T);
void freeHelperNames(llvm::Module &M);

// StrictHalf.cpp: conversions of 16-bit floating point in any rounding mode become calls of helpers.
void lowerStrictHalves(llvm::Module &M);

// CommonAbi.cpp: one ABI for all ISAs: no target attributes, variadic functions, computed goto or aliases.
void lowerToCommonAbi(llvm::Module &M);

// Attributes.cpp: what LLVM may be told of functions and calls, each a closed list.
void dropTargetAttributes(llvm::Function &F);                 // those of the front end's own target
llvm::AttributeSet attributesOfBody(const llvm::Function &F); // of any body of a function that may migrate
void forgetEffects(llvm::Function &F);                        // it may read what it did not read before
void forgetEffects(llvm::CallBase &Call);
void copyConvention(const llvm::CallBase &From, llvm::CallBase &To, unsigned FirstArgument);

// NamedSections.cpp: the variables between __start_NAME and __stop_NAME become one.
void joinNamedSections(llvm::Module &M);

// FrameAddress.cpp: a function's frame is what it has on the data stack; other frames and return addresses
// are null.
void lowerFrameAddresses(llvm::Function &F);
bool isFrameMark(const llvm::AllocaInst &A); // the object whose address is the frame's

// LockedAtomics.cpp: atomic operations that need a lock on some ISA become calls of libc.
void lowerLockedAtomics(llvm::Module &M);
llvm::StringRef lockedFunction(const llvm::Instruction &I); // which one; empty for all other instructions

// ThreadLocal.cpp: thread-local variables become thread pointer + constant, which is returned by name.
using ThreadLocalMap = std::map<std::string, uint64_t>;
ThreadLocalMap lowerThreadLocals(llvm::Module &M);

// Symbols.cpp: what dlsym finds. The names are looked up first, as aliases and variables may go; the table is
// made when everything is what it will be.
struct Symbol {
    std::string Name;
    llvm::WeakTrackingVH Value; // null: was a thread-local variable
};
std::vector<Symbol> findSymbols(llvm::Module &M);
void emitSymbols(llvm::Module &M, llvm::ArrayRef<Symbol> Symbols, const ThreadLocalMap &ThreadLocals);

// Points.cpp: `if (__popcorn_flag) __popcorn_point();` wherever time can pass without bound.
void insertPoints(llvm::Module &M, llvm::FunctionAnalysisManager &FAM);
bool isPoint(const llvm::CallBase &Call); // to __popcorn_point

// The mark that libc's build puts on functions whose work is bounded by their arguments, by `#pragma clang
// section`.
constexpr llvm::StringLiteral PlainSection = ".text.popcorn.plain";

// Layout.cpp: sections that give everything with an address one address on all ISAs. Runs before any
// statepoint is made, as a statepoint's callee looks like a function whose address is taken.
void lowerConstructors(llvm::Module &M);
void fixLayout(llvm::Module &M);

// WhoMigrates.cpp: the functions on whose frames a migration can happen, and the calls in which it can.
class Migratability {
  public:
    explicit Migratability(llvm::Module &M);
    const FunctionSet &functions() const {
        return Functions;
    }
    bool mayMigrate(const llvm::CallBase &Call) const;

  private:
    bool mayReach(const llvm::Function &F) const;
    bool mayReachIndirectly(llvm::StringRef Arguments) const;
    FunctionSet Functions;
    llvm::StringSet<> IndirectKeys;
};

// Setjmp.cpp: setjmp becomes __popcorn_setjmp with an area for the function's own frame record. In three
// moves, as the area must be part of the data-stack frame, and the record's content is known only after
// liveness.
bool isSetjmp(const llvm::CallBase &Call);
void lowerBuiltinJumps(llvm::Module &M); // __builtin_setjmp and __builtin_longjmp become setjmp and longjmp
void lowerSetjmp(llvm::Function &F, bool Migratable);
void setSetjmpBase(llvm::Function &F, llvm::Value *Base);
void fillSetjmpAreas(Frame &Fr);

// DataStack.cpp: moves locals to the data stack; lets the frame's base be loaded where it is needed. Blocks
// must end at the sites.
struct DataFrame {
    llvm::Value *Base = nullptr; // the frame's lowest address; null if the function has no frame there
    bool Grows = false;          // it has locals of variable size below its base
};
DataFrame moveToDataStack(llvm::Function &F, bool Migratable);
void reloadBase(llvm::Function &F, const DataFrame &Data, llvm::ArrayRef<llvm::CallInst *> Sites);
llvm::Value *dataStackPointer(llvm::IRBuilder<> &B); // where the thread keeps it
void markArgumentBlock(llvm::AllocaInst *Block);

// Rematerialise.cpp: lets fewer values live across calls. Blocks must end at the calls.
void rematerialise(llvm::Function &F);

// LiveValues.cpp: finds the sites of a function and what is live at them and at the headers of the loops
// around them.
void endBlocksAt(llvm::ArrayRef<llvm::CallInst *> Calls);
std::vector<std::vector<llvm::Value *>> liveAcross(llvm::Function &F, llvm::ArrayRef<llvm::CallInst *> Calls);
Frame findSites(llvm::Function &F, const Migratability &Who, const DataFrame &Data, uint32_t &NextSite);

// Statepoints.cpp: turns each site into a gc.statepoint that records the live values.
void makeStatepoints(Frame &Fr);
llvm::CallInst *makeStatepoint(llvm::CallInst *Call, uint64_t Id, llvm::ArrayRef<llvm::Value *> Live);

// LoopBodies.cpp: the body in which a resumed call goes on at full speed from its next loop header.
void makeLoopBody(Frame &Fr);
void handOver(llvm::IRBuilder<> &B, const Frame &Fr, unsigned Loop, const llvm::ValueToValueMapTy &Map);

// ResumeBodies.cpp: the second body of each function that may migrate.
void makeResumeBody(Frame &Fr);

// Image.cpp: how many instructions stand in innermost loops that call nothing, which may become vector loops.
size_t sizeOfPlainLoops(llvm::Function &F);

// Levels.cpp: further versions of functions, in one image, for machines that have more than the baseline.
void makeLevels(llvm::Module &M);
void dropPoorLevels(llvm::Module &M);

// Emit.cpp: generates code for the target of opt's options.
void emitObject(llvm::Module &M);

// Splitting.cpp: lets the register allocator do with less room in resume bodies.
void limitSplitting(llvm::TargetPassConfig &Config);

// Tables.cpp: the descriptions that capture and rebuild read at run time.
void emitTables(llvm::Module &M, llvm::ArrayRef<Frame> Frames, uint32_t SiteCount);

} // namespace popcorn

#endif
