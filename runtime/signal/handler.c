/* SPDX-License-Identifier: MIT */
/* Runs a handler of the program, and the run time's own signal. */
#include "memory/layout.h"
#include "node/nodes.h"
#include "popcorn/control.h"
#include "popcorn/migration.h"
#include "signal/signals.h"
#include "syscall/kernel.h"
#include "thread/room.h"
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
    uint64_t pc, sp, reserved[14];
};

/* What a handler finds on the data stack. */
struct handler_frame {
    struct portable_ucontext context;
    uint64_t info[16];
};

static uint64_t *data_stack(struct popcorn_thread *thread) {
    return (uint64_t *)((char *)thread->tcb + POPCORN_TCB_DATA_STACK);
}

/* Where the handler's data may begin. */
static uint64_t handler_top(struct popcorn_thread *thread, uint64_t flags) {
    const struct room_alternate *alternate = &room_of(thread)->alternate;
    uint64_t now = *data_stack(thread);
    bool wanted = flags & ACTION_ONSTACK && !(alternate->flags & ROOM_ALTERNATE_NONE);
    if (wanted && now - alternate->base > alternate->size)
        return alternate->base + alternate->size;
    return now - RED_ZONE;
}

static struct handler_frame *make_frame(struct popcorn_thread *thread, uint64_t top, const void *info,
                                        const void *ucontext) {
    struct handler_frame *frame = (struct handler_frame *)((top - sizeof *frame) & -16UL);
    __builtin_memset(frame, 0, sizeof *frame);
    __builtin_memcpy(frame->info, info, sizeof frame->info);
    frame->context.stack = room_of(thread)->alternate;
    frame->context.mask[0] = machine_ucontext_mask(ucontext);
    frame->context.pc = machine_ucontext_pc(ucontext);
    frame->context.sp = machine_ucontext_sp(ucontext);
    return frame;
}

static void take_back(const struct handler_frame *frame, void *ucontext) {
    uint64_t pc = machine_ucontext_pc(ucontext);
    machine_ucontext_set_mask(ucontext, signals_allowed(frame->context.mask[0]));
    if (frame->context.pc != pc)
        machine_ucontext_set_pc(ucontext, frame->context.pc);
}

bool signals_run(struct native *native, int sig, const void *info, void *ucontext) {
    struct popcorn_thread *thread = native->thread;
    struct signal_action action = signals_current(sig);
    uint64_t mask = machine_ucontext_mask(ucontext);
    if (action.handler == SIGNAL_DEFAULT || action.handler == SIGNAL_IGNORE)
        return false;
    native->program_signals++;
    bool cancelled = sig == SIGNAL_CANCEL && machine_cancel(ucontext);
    if (nodes_at_origin && nodes_forward_signal(thread, sig, info, &mask)) {
        machine_ucontext_set_mask(ucontext, signals_allowed(mask));
        return true;
    }
    if (cancelled)
        return true;
    uint64_t *stack = data_stack(thread), saved = *stack;
    uint64_t *cancel = (uint64_t *)((char *)thread->tcb + POPCORN_TCB_CANCEL), point = *cancel;
    struct handler_frame *frame = make_frame(thread, handler_top(thread, action.flags), info, ucontext);
    void (*handler)(int, void *, void *) = (void (*)(int, void *, void *))action.handler;
    *stack = (uint64_t)frame;
    *cancel = POPCORN_CANCEL_NONE; /* the handler is in no cancellation point, though below it there may be one */
    thread->pinned++;
    handler(sig, frame->info, &frame->context);
    thread->pinned--;
    *cancel = point;
    *stack = saved;
    take_back(frame, ucontext);
    return true;
}

/* si_value of a queued signal. */
static uint64_t info_value(const void *info) {
    return ((const uint64_t *)info)[3];
}

static void own_signal(int sig, void *info, void *ucontext) {
    (void)sig;
    (void)ucontext;
    struct native *native = native_self();
    uint64_t value = info_value(info);
    if (!native)
        return;
    native->own_signals++;
    if ((value & POPCORN_MIGRATE_MASK) == (POPCORN_MIGRATE_VALUE(0) & POPCORN_MIGRATE_MASK))
        migration_request(native->thread, (int)(uint32_t)value);
    threads_stopped_here();
}

void signals_start(void) {
    uint64_t own = SIGNAL_BIT(POPCORN_MIGRATE_SIGNAL);
    machine_sigaction(POPCORN_MIGRATE_SIGNAL, own_signal, ACTION_SIGINFO | ACTION_RESTART, ~0ULL);
    KERNEL(NR_rt_sigprocmask, MASK_UNBLOCK, &own, 0, 8);
}
