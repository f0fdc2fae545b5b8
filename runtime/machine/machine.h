/* SPDX-License-Identifier: MIT */
/*
 * What an ISA must provide. machine/<isa>/isa.h defines the constants and struct machine_jump_state,
 * machine/<isa>/ *.S and *.c the functions. Nothing outside machine/ knows which ISA it is compiled for.
 */
#ifndef POPCORN_MACHINE_H
#define POPCORN_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa.h" /* MACHINE_NAME, MACHINE_NREGS, MACHINE_SP, MACHINE_RA, MACHINE_JUMP_WORDS */

/*
 * The registers a call preserves (a migration point's call preserves more), with stack pointer and return
 * address, indexed by DWARF number (System V psABIs of the three ISAs). MACHINE_SP holds the stack pointer as
 * it is right behind the call (the CFA of the called stub).
 */
struct machine_context {
    uint64_t reg[MACHINE_NREGS];
};

/*
 * Which level of the ISA this processor and kernel have, above the baseline: a number of the ISA's own, higher
 * ones including lower ones; 0 if they have no more than the baseline. The linker's table of ISAs numbers the
 * levels so. machine_level_start() notes it where the program's functions look; called once in a process,
 * before any of them.
 */
uint8_t machine_level(void);
void machine_level_start(void);

/* A raw system call: native number, native structs. Returns the kernel's result (-4095..-1 are errors). */
long machine_syscall(long number, long a, long b, long c, long d, long e, long f);

/*
 * A system call of the common ABI (asm-generic numbers, structs and flags) carried out on this kernel.
 * -ENOSYS for a number this kernel has no equal of.
 */
long machine_generic_syscall(long number, long a, long b, long c, long d, long e, long f);

/*
 * Copies between us and memory that the program has named in a system call: 0, or -EFAULT if it cannot be
 * read or written. Takes a system call where popcorn_reachable(), which the run time provides, does not know
 * for sure that it can.
 */
bool popcorn_reachable(const void *users, size_t size, bool write);
int machine_from_user(void *to, const void *users, size_t size);
int machine_to_user(void *users, const void *from, size_t size);

/*
 * Reads the ends of memory that the program has named outside of a system call: if it is not there, that is a
 * fault of the program, which comes before the run time has done anything with it.
 */
void machine_touch(const void *users, size_t size);

/*
 * Cancellation points. machine_generic_syscall makes its system calls by machine_syscall_point, which returns
 * -EINTR instead when the thread's block says POPCORN_CANCEL_INTERRUPTED. While the native pc is in
 * [machine_point_begin, machine_point_end), the call has had no effect yet, and from there a thread may be
 * sent to machine_point_interrupted, which returns -EINTR.
 *
 * machine_end_point does so, after a signal handler that may have written POPCORN_CANCEL_INTERRUPTED, with
 * the native ucontext. Async-signal-safe.
 */
void machine_end_point(void *ucontext);
long machine_syscall_point(long number, long a, long b, long c, long d, long e, long f);
extern const char machine_point_begin[], machine_point_end[], machine_point_interrupted[];

/*
 * The thread pointer: its value is the address of the block described in abi.h. Every thread has one from its
 * first instruction: a process starts with a native block of its own, a thread inherits its maker's or gets
 * one by CLONE_SETTLS.
 */
void *machine_thread_pointer(void);
long machine_set_thread_pointer(void *tcb); /* 0 or a negative errno; also writes POPCORN_TCB_SELF */

/*
 * Switches to a fresh native stack and calls fn(arg) with return address machine_base, where every unwinding
 * ends. If fn returns, its value goes to popcorn_thread_returned() (never comes back). `stack_top` is 16-byte
 * aligned.
 */
_Noreturn void machine_run(void *stack_top, long (*fn)(void *), void *arg);
extern const char machine_base[];

/* Loads the context's registers and goes to fn(arg) as if it had been called with the context's stack and
 * return address. */
_Noreturn void machine_resume_call(const struct machine_context *, void *fn, void *arg);

/*
 * Entry stubs, called by the module (docs/abi.md): each fills a machine_context on the native stack and calls
 * its C half with it; when the C half returns, the stub returns its value to the module.
 *   __popcorn_point            long popcorn_point(struct machine_context *); the module calls it by LLVM's
 *                              preserve_most convention (on riscv64 that is the usual one), so the stub saves
 *                              to the context, and restores, what that keeps more than a usual call
 *   __migrate_shim_internal    long popcorn_migrate_shim(struct machine_context *, long nid)
 *   __popcorn_fork             long popcorn_fork(struct machine_context *)
 *   __popcorn_set_context      long popcorn_set_context(struct machine_context *, void *jump, void *made,
 * long leaving) longjmp                    long popcorn_longjmp(struct machine_context *, void *buf, int
 * value)   (never returns)
 *   __popcorn_setjmp           fills buf's machine_jump_state, then popcorn_setjmp(buf, savemask, area,
 * base); returns 0
 *   __syscall_cp_asm           long __popcorn_syscall(number, six arguments)
 * and two that nobody calls: _start begins a process by popcorn_start(long *initial_stack), machine_run()'s
 * bottom ends a thread by popcorn_thread_returned(long value).
 * These, with popcorn_reachable(), are all that machine/ takes from the floors above it.
 *
 * machine_resume_entry, called like a resume body, tells from where: it fills a context likewise and goes to
 * the body that popcorn_resume_entry(struct machine_context *, struct frame_record *) answers, as if that had
 * been called.
 */
extern const char machine_resume_entry[];

/* The native half of a jmp_buf; runtime/include/popcorn/jump.h has the whole. */
struct machine_jump_state {
    uint64_t word[MACHINE_JUMP_WORDS];
};
_Noreturn void machine_jump(const struct machine_jump_state *, int value);

/* Native threads and processes: as musl's __clone, with native flags; the child runs fn(arg) on `stack`. */
long machine_clone(unsigned long flags, void *stack, int *parent_tid, void *tls, int *child_tid,
                   int (*fn)(void *), void *arg);

/* Unmaps a stack that the caller may be standing on and ends the calling thread. */
_Noreturn void machine_unmap_and_exit(void *address, size_t size);

/*
 * Signals. The kernel's sigaction is installed with the ISA's layout and restorer; `handler` is called as
 * handler(sig, siginfo, native ucontext). The accessors read and write the interrupted state in that
 * ucontext.
 */
long machine_sigaction(int sig, void (*handler)(int, void *, void *), unsigned long flags, uint64_t mask);
uint64_t machine_ucontext_pc(const void *ucontext);
void machine_ucontext_set_pc(void *ucontext, uint64_t pc);
/* Was a fault raised by the instruction of __builtin_trap()? Its signal, MACHINE_TRAP_SIGNAL, differs by ISA.
 */
bool machine_is_trap(const void *ucontext);
uint64_t machine_ucontext_mask(const void *ucontext);
void machine_ucontext_set_mask(void *ucontext, uint64_t mask);

#endif
