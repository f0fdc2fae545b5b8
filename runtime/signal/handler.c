/* SPDX-License-Identifier: MIT */
/* Runs a handler of the program, and the run time's own signal. */
#include <stdatomic.h>

#include "base/home.h"
#include "base/kernel.h"
#include "base/own_signal.h"
#include "floating.h"
#include "popcorn/control.h"
#include "signal/internal.h"
#include "thread/threads.h"

/*
 * A function's frame on the data stack is allotted by one store; the compiler may move accesses to the frame
 * across that by a little.
 */
#define RED_ZONE 1024

/* The common ABI's ucontext_t (runtime/libc/arch/bits/signal.h). */
struct portable_ucontext {
    uint64_t flags, link;
    struct room_alternate stack;
    uint64_t mask[16];
    uint64_t pc, sp; /* sp: the data stack pointer */
    uint64_t of_contexts[39];
};

/* machine/<isa>: stand for musl's cancellation point and the way out of it. */
extern const char __cp_begin[], __cp_cancel[];

/* What a handler finds on the data stack. */
struct handler_frame {
    struct portable_ucontext context;
    uint64_t info[16];
};

/* Ends the program by a signal that it does not handle, in whatever process. */
static _Noreturn void die(struct popcorn_thread *thread, int sig) {
    const long argument[6] = {sig};
    if (home_here)
        signals_die(sig);
    home->call(thread, HOME_FAULT, argument);
    __builtin_trap();
}

/* Where the handler's frame goes, if it interrupts the thread at `sp`. */
static struct handler_frame *place_frame(struct popcorn_thread *thread, uint64_t flags, uint64_t sp) {
    uint64_t alternate = flags & ACTION_ONSTACK ? alternate_top(thread, sp) : 0;
    uint64_t top = alternate ? alternate : sp - RED_ZONE;
    struct handler_frame *frame = (struct handler_frame *)((top - sizeof *frame) & -16UL);
    bool fits = alternate || alternate_holds(thread, sp, (uint64_t)frame);
    return fits && popcorn_reachable(frame, sizeof *frame, true) ? frame : NULL;
}

/* The thread's place towards pthread_cancel (machine.h). */
static _Atomic uint64_t *cancel_word(const struct popcorn_thread *thread) {
    return (_Atomic uint64_t *)((char *)thread->tcb + POPCORN_TCB_CANCEL);
}

static _Atomic uint64_t *own_cancel_word(void) {
    return (_Atomic uint64_t *)((char *)machine_thread_pointer() + POPCORN_TCB_CANCEL);
}

bool signals_calls_begin(void) {
    uint64_t interrupted = POPCORN_CANCEL_INTERRUPTED;
    return atomic_compare_exchange_strong(own_cancel_word(), &interrupted, POPCORN_CANCEL_NONE);
}

void signals_calls_end(bool interrupted) {
    if (interrupted)
        atomic_store(own_cancel_word(), POPCORN_CANCEL_INTERRUPTED);
}

/* What lies above is in use from here on, for any signal that comes. */
static void allot(uint64_t *stack, uint64_t sp) {
    atomic_signal_fence(memory_order_seq_cst);
    *(volatile uint64_t *)stack = sp;
    atomic_signal_fence(memory_order_seq_cst);
}

static void fill_frame(struct handler_frame *frame, struct popcorn_thread *thread, const void *info,
                       const struct interrupted *at, uint64_t sp) {
    __builtin_memset(frame, 0, sizeof *frame);
    __builtin_memcpy(frame->info, info, sizeof frame->info);
    frame->context.stack = alternate_begin(thread);
    frame->context.mask[0] = at->mask;
    frame->context.pc = at->pc;
    frame->context.sp = sp;
}

/*
 * musl's handler of pthread_cancel knows a cancellation point by its pc, and ends it by changing that. The
 * handler itself is in none.
 */
static uint64_t leave_point(struct popcorn_thread *thread, struct handler_frame *frame) {
    uint64_t point = atomic_exchange(cancel_word(thread), POPCORN_CANCEL_NONE);
    if (point == POPCORN_CANCEL_POINT)
        frame->context.pc = (uint64_t)__cp_begin;
    return point;
}

static void take_back(struct popcorn_thread *thread, const struct handler_frame *frame,
                      struct interrupted *at, uint64_t point) {
    at->mask = signals_allowed(frame->context.mask[0]);
    if (point == POPCORN_CANCEL_NONE)
        at->pc = frame->context.pc;
    else if (frame->context.pc == (uint64_t)__cp_cancel)
        point = POPCORN_CANCEL_INTERRUPTED;
    atomic_store(cancel_word(thread), point);
}

/* What is to become of the call that was interrupted, whatever calls of the handler's own were. */
static void say_handled(struct native *native, const struct signal_action *action,
                        enum popcorn_handled before) {
    bool restart = action->flags & ACTION_RESTART;
    native->restart = restart;
    native->thread->wait.handled =
        restart && before != POPCORN_HANDLED_INTERRUPT ? POPCORN_HANDLED_RESTART : POPCORN_HANDLED_INTERRUPT;
}

/*
 * Between the two stores to *stack the frame is the handler's alone: a signal that comes before, after or in
 * between has its own frame elsewhere, or in the same place when nobody looks at this one any more.
 */
void signals_run(struct native *native, int sig, const struct signal_action *action, const void *info,
                 struct interrupted *at) {
    struct popcorn_thread *thread = native->thread;
    uint64_t *stack = signals_data_stack(thread), sp = *stack;
    struct handler_frame *frame = place_frame(thread, action->flags, sp);
    if (!frame)
        die(thread, SIGNAL_SEGV);
    allot(stack, (uint64_t)frame);
    fill_frame(frame, thread, info, at, sp);
    void (*handler)(int, void *, void *) = (void (*)(int, void *, void *))action->handler;
    uint64_t point = leave_point(thread, frame);
    enum popcorn_handled before = thread->wait.handled;
    uint32_t floating = floating_environment();
    thread->pinned++;
    floating_set_environment(FP_DEFAULT); /* as x86_64's kernel does; others hand over the interrupted one */
    handler(sig, frame->info, &frame->context);
    floating_set_environment(floating);
    thread->pinned--;
    say_handled(native, action, before);
    take_back(thread, frame, at, point);
    alternate_end(thread, &frame->context.stack, sp);
    allot(stack, sp);
}

void signals_run_on(struct native *native, int sig, const struct signal_action *action, const void *info,
                    void *ucontext) {
    struct interrupted at = {machine_ucontext_pc(ucontext), machine_ucontext_mask(ucontext)};
    uint64_t pc = at.pc;
    signals_run(native, sig, action, info, &at);
    machine_ucontext_set_mask(ucontext, at.mask);
    if (at.pc != pc)
        machine_ucontext_set_pc(ucontext, at.pc);
}

/* si_value of a queued signal. */
static uint64_t info_value(const void *info) {
    return ((const uint64_t *)info)[3];
}

/* si_code: greater than 0 if the kernel sent it, for a node's socket. */
static int info_code(const void *info) {
    return ((const int32_t *)info)[2];
}

void signals_own_work(struct native *native) {
    threads_stopped_here();
    if (native->look) {
        native->look = false;
        home->look();
    }
}

void (*signals_asked)(struct popcorn_thread *, uint64_t value);

/* Ends the system call that the thread waits in if it can come to a migration point, and is asked to. */
static void wake_up(struct native *native, void *ucontext) {
    struct popcorn_thread *thread = native->thread;
    if (!native->stoppable || __atomic_load_n(&thread->request, __ATOMIC_RELAXED) < 0)
        return;
    native->woken = true;
    atomic_store(own_cancel_word(), POPCORN_CANCEL_INTERRUPTED);
    machine_end_point(ucontext);
}

/* Comes from `popcorn migrate`, from a thread that stops the others, and when a node's process ends. */
static void own_signal_came(int sig, void *info, void *ucontext) {
    (void)sig;
    struct native *native = native_self();
    uint64_t value = info_value(info);
    if (!native)
        return;
    bool interrupted = signals_calls_begin();
    native->own_signals++;
    if (info_code(info) < 0 && signals_asked)
        signals_asked(native->thread, value);
    if (info_code(info) > 0)
        native->look = true;
    if (__atomic_load_n(&native->thread->request, __ATOMIC_RELAXED) >= 0)
        home->wake(native->thread);
    if (native->critical)
        native->own_due = true;
    else
        signals_own_work(native);
    signals_calls_end(interrupted);
    wake_up(native, ucontext);
}

/* At the end of a critical section. */
static void deliver_due(struct native *native) {
    if (native->own_due) {
        native->own_due = false;
        signals_own_work(native);
    }
    if (native->deferred)
        signals_deliver_deferred(native);
}

void signals_start(void) {
    static struct threads_keeper keeper = {.forked = signals_forked};
    threads_kept_by(&keeper);
    native_due(deliver_due);
    own_signal_start();
    uint64_t own = SIGNAL_BIT(own_signal);
    machine_sigaction(own_signal, own_signal_came, ACTION_SIGINFO | ACTION_ONSTACK | ACTION_RESTART,
                      ~KERNEL_FAULTS);
    KERNEL(NR_rt_sigprocmask, MASK_UNBLOCK, &own, 0, 8);
    signals_watch_faults();
}

void signals_restored(void) {
    signals_start();
    signals_reinstall();
}

/* In a node's process: the origin wants the thread's attention, as there may be a handler to run. */
static void attention(int sig, void *info, void *ucontext) {
    (void)sig;
    (void)info;
    struct native *native = native_self();
    if (!native)
        return;
    struct interrupted at = {machine_ucontext_pc(ucontext), 0};
    uint64_t pc = at.pc;
    native->own_signals++;
    bool interrupted = signals_calls_begin();
    home->take_signal(native->thread, &at);
    signals_calls_end(interrupted);
    wake_up(native, ucontext);
    if (at.pc != pc)
        machine_ucontext_set_pc(ucontext, at.pc);
    machine_end_point(ucontext);
}

void signals_start_node(void) {
    native_due(deliver_due);
    machine_sigaction(SIGNAL_CHILD, (void (*)(int, void *, void *))SIGNAL_IGNORE, 0, 0); /* node/fork.c */
    fault_start_node();
    machine_sigaction(SIGNAL_USER1, attention, ACTION_SIGINFO | ACTION_NODEFER, 0);
}
