/* SPDX-License-Identifier: MIT */
/*
 * Faults. On a node, memory may just not have been touched yet. Otherwise those of the program's own
 * instructions, and of what is native but acts on the program's pointers (strings, arithmetic), are the
 * program's: it handles them or dies of them; what its handler is told is what it would be told natively.
 * Those of the run time's other instructions end the program, whatever it handles; and so does memory that is
 * lost with the machine that had it, as nothing can be done without.
 */
#include "base/home.h"
#include "base/kernel.h"
#include "base/message.h"
#include "base/text.h"
#include "memory/layout.h"
#include "memory/memory.h"
#include "popcorn/control.h"
#include "popcorn/native_text.h"
#include "signal/internal.h"

#define EXIT_MACHINE 70
#define CODE_UNMAPPED 1  /* SEGV_MAPERR */
#define CODE_FORBIDDEN 2 /* SEGV_ACCERR */
#define CODE_NO_PAGE 2   /* BUS_ADRERR */

static bool in_range(uint64_t address, uint64_t low, uint64_t high) {
    return address >= low && address < high;
}

/*
 * The native stack has come to its end: the program has one stack, and that is where it ends. What was going
 * on was the program's own, or its frames were being rebuilt: the run time takes locks only where it has room
 * (native_require_room).
 */
static void end_of_native_stack(struct native *native, struct fault_info *info) {
    info->address = native->thread->stack->low - sizeof(uint64_t);
    if (native->critical)
        critical_end_of(native);
}

void fault_explain(struct native *native, int sig, struct fault_info *info) {
    const struct popcorn_thread *thread = native->thread;
    uint64_t low = thread->stack->low;
    if (sig != SIGNAL_SEGV || info->code <= 0)
        return;
    if (in_range(info->address, native->map, native->stack_low))
        end_of_native_stack(native, info);
    if (in_range(info->address, low - LAYOUT_STACK_GUARD, low))
        info->code = thread->tid == popcorn_control()->pid ? CODE_UNMAPPED : CODE_FORBIDDEN;
    else if (!home_here && layout_in_arena(info->address, 1))
        info->code = memory_begin_of(info->address) ? CODE_FORBIDDEN : CODE_UNMAPPED;
}

/* The thread's signal mask is its shadow's. */
static void handle(struct native *native, int sig, const struct signal_action *action, const void *info,
                   void *ucontext) {
    struct popcorn_thread *thread = native->thread;
    const long begin[6] = {sig};
    uint64_t pc = machine_ucontext_pc(ucontext);
    struct interrupted at = {pc, (uint64_t)home->call(thread, HOME_FAULT_BEGINS, begin)};
    signals_run(native, sig, action, info, &at);
    const long end[6] = {(long)at.mask};
    home->call(thread, HOME_FAULT_ENDS, end);
    if (at.pc != pc)
        machine_ucontext_set_pc(ucontext, at.pc);
}

bool fault_is_own(const struct fault_info *info, const void *ucontext) {
    const struct native *native = native_of_handler();
    uint64_t pc = machine_ucontext_pc(ucontext);
    if (info->code <= 0 || !in_range(pc, (uint64_t)__popcorn_native_start, (uint64_t)__popcorn_native_end))
        return false;
    return !native ||
           !in_range(info->address, native->map, native->stack_low); /* the program's stack is at its end */
}

static const char *signal_name(int sig) {
    switch (sig) {
    case SIGNAL_ILL:
        return "SIGILL";
    case SIGNAL_TRAP:
        return "SIGTRAP";
    case SIGNAL_BUS:
        return "SIGBUS";
    case SIGNAL_FPE:
        return "SIGFPE";
    case SIGNAL_SEGV:
        return "SIGSEGV";
    }
    return "SIGSYS";
}

/*
 * Nothing of the program is to be trusted any more, and any lock may be held: this process ends at once. That
 * lets those of the nodes go, or, from one of those, the origin end the program; which need not say more.
 */
_Noreturn void fault_end(int sig, const struct fault_info *info, const void *ucontext) {
    char line[192];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "the run time has met a fault of its own on node ");
    text_signed(&t, native_node);
    text_string(&t, ": ");
    text_string(&t, signal_name(sig));
    text_string(&t, " at ");
    text_hex(&t, machine_ucontext_pc(ucontext));
    text_string(&t, " of the " MACHINE_NAME " image, address ");
    text_hex(&t, info->address);
    message_last(line);
    if (!home_here)
        __atomic_store_n(&popcorn_control()->node[native_node].told, 1, __ATOMIC_RELEASE);
    KERNEL(NR_exit_group, EXIT_MACHINE);
    __builtin_trap();
}

void fault_end_if_lost(int sig, const struct fault_info *info) {
    static uint64_t block[POPCORN_TCB_SIZE / sizeof(uint64_t)];
    if (sig != SIGNAL_BUS || info->code != CODE_NO_PAGE || !home->lost(info->address))
        return;
    machine_set_thread_pointer(block); /* every system call looks at the thread's */
    message_last("memory of the program was on a machine that is lost");
    KERNEL(NR_exit_group, EXIT_MACHINE);
    __builtin_trap();
}

static void fault(int sig, void *siginfo, void *ucontext) {
    fault_end_if_lost(sig, siginfo);
    struct native *native = native_of_handler();
    static struct memory_try last_of_service;
    struct memory_try *last = native ? &native->last_fault : &last_of_service;
    struct fault_info *info = siginfo;
    if (sig == SIGNAL_SEGV && memory_touch(info->address, last))
        return;
    if (!native || !native->thread || fault_is_own(info, ucontext))
        fault_end(sig, info, ucontext);
    if (sig == MACHINE_TRAP_SIGNAL && machine_is_trap(ucontext)) {
        sig = popcorn_control()->trap;
        info->signal = sig;
    }
    struct signal_action action = signals_current(sig);
    if (!signals_handled(&action)) {
        const long argument[6] = {sig};
        home->call(native->thread, HOME_FAULT, argument);
    }
    fault_explain(native, sig, info);
    native->program_signals++;
    handle(native, sig, &action, info, ucontext);
}

void fault_start_node(void) {
    static const int faults[] = {SIGNAL_ILL, SIGNAL_TRAP, SIGNAL_BUS, SIGNAL_FPE, SIGNAL_SEGV, SIGNAL_SYS};
    unsigned long flags = ACTION_SIGINFO | ACTION_ONSTACK | ACTION_NODEFER;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        machine_sigaction(faults[i], fault, flags, 0);
}
