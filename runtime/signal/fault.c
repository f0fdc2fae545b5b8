/* SPDX-License-Identifier: MIT */
/*
 * Faults of the program's own instructions. On a node, memory may just not have been touched yet. Otherwise
 * the program handles them or dies of them; what its handler is told is what it would be told natively.
 */
#include "base/home.h"
#include "base/kernel.h"
#include "base/message.h"
#include "base/text.h"
#include "memory/layout.h"
#include "memory/memory.h"
#include "popcorn/control.h"
#include "signal/internal.h"

#define CODE_UNMAPPED 1  /* SEGV_MAPERR */
#define CODE_FORBIDDEN 2 /* SEGV_ACCERR */

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

/* Outside all threads of the program. The origin need not say more. */
static _Noreturn void own_fault(int sig, const struct fault_info *info, const void *ucontext) {
    char line[160];
    struct popcorn_node_entry *node = &popcorn_control()->node[native_node];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "the process of node ");
    text_signed(&t, native_node);
    text_string(&t, " (" MACHINE_NAME ") met a fault of its own: signal ");
    text_signed(&t, sig);
    text_string(&t, " at ");
    text_hex(&t, machine_ucontext_pc(ucontext));
    text_string(&t, ", address ");
    text_hex(&t, info->address);
    __atomic_store_n(&node->told, 1, __ATOMIC_RELEASE);
    popcorn_fatal(line, 70);
}

static void fault(int sig, void *siginfo, void *ucontext) {
    struct native *native = native_self();
    static uint64_t last_of_service;
    uint64_t *last = native ? &native->last_fault : &last_of_service;
    struct fault_info *info = siginfo;
    if (sig == SIGNAL_SEGV && memory_touch(info->address, last))
        return;
    if (!native)
        own_fault(sig, info, ucontext);
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
