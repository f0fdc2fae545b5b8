/* SPDX-License-Identifier: MIT */
/* The thread's native thread in a node's process: waits for the thread, runs it, asks the shadow for its
 * system calls. */
#include "node/internal.h"
#include "thread/native.h"

#define A_MOMENT 1000000L /* nanoseconds */

/* The thread is no more. Its portable memory may go as soon as the count says that this worker is gone. */
static _Noreturn void leave(struct popcorn_thread *thread) {
    struct native *native = thread->native[native_node];
    _Atomic uint32_t *workers = &thread->mailbox->workers;
    kernel_block_signals();
    pause_leave(native);
    machine_set_thread_pointer(native->last_tcb);
    atomic_fetch_sub(workers, 1);
    KERNEL(NR_futex, workers, FUTEX_WAKE, 0x7fffffff);
    native_leave(native);
}

static void leave_if_ended(struct popcorn_thread *thread) {
    if (MAILBOX_PHASE(atomic_load(&thread->mailbox->place)) == MAILBOX_ENDED)
        leave(thread);
}

void worker_wait(struct popcorn_thread *thread) {
    _Atomic uint32_t *bell = &thread->mailbox->bell[native_node];
    for (;;) {
        uint32_t seen = atomic_load(bell);
        halt_here(thread);
        arrive_if_sent(thread);
        leave_if_ended(thread);
        if (!popcorn_control()->halt)
            bell_wait(bell, seen, NODE_IDLE);
    }
}

static struct mailbox_signal *posted_signal(struct popcorn_mailbox *box) {
    uint32_t depth = atomic_load(&box->signals);
    struct mailbox_signal *s = depth ? &box->signal[depth - 1] : NULL;
    return s && atomic_load(&s->state) == MAILBOX_POSTED ? s : NULL;
}

void nodes_take_signal(struct popcorn_thread *thread, struct interrupted *at) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct native *native = thread->native[native_node];
    if (!native->critical)
        halt_here(thread);
    struct mailbox_signal *s = posted_signal(box);
    uint32_t posted = MAILBOX_POSTED;
    if (!s || native->critical || atomic_load(&box->place) != MAILBOX_PLACE(MAILBOX_RUNNING, native_node))
        return;
    s->base = atomic_load(&box->calls);
    s->pinned = thread->pinned;
    if (!atomic_compare_exchange_strong(&s->state, &posted, MAILBOX_TAKEN))
        return;
    at->mask = s->mask;
    native->program_signals++;
    signals_run(native, s->sig, &s->action, s->info, at);
    s->mask = at->mask;
    atomic_store(&s->state, MAILBOX_DONE);
    node_carrier->tell_shadow(thread);
}

void local_tell_shadow(struct popcorn_thread *thread) {
    bell_ring(&thread->mailbox->bell[popcorn_control()->origin]);
}

void local_forget_calls(struct popcorn_thread *thread, uint32_t keep) {
    struct popcorn_mailbox *box = thread->mailbox;
    for (uint32_t i = keep; i < MAILBOX_DEPTH; i++)
        atomic_store(&box->call[i].state, MAILBOX_FREE);
}

/* The slot of a new call, filled; NULL if too many are nested. */
static struct mailbox_call *post_call(struct popcorn_mailbox *box, long number, const long argument[6]) {
    uint32_t index = atomic_load(&box->calls);
    struct mailbox_call *call = &box->call[index];
    if (index >= MAILBOX_DEPTH)
        return NULL;
    call->number = number;
    for (int i = 0; i < 6; i++)
        call->argument[i] = argument[i];
    atomic_store(&box->calls, index + 1);
    atomic_store(&call->state, MAILBOX_POSTED);
    bell_ring(&box->bell[popcorn_control()->origin]);
    return call;
}

/*
 * Runs handlers meanwhile. 0, or where a handler wants the thread to go instead (it cancels it): the answer
 * is there nevertheless, since the shadow must be free to serve what the thread asks for next.
 */
static uint64_t await_answer(struct popcorn_thread *thread, struct mailbox_call *call) {
    _Atomic uint32_t *bell = &thread->mailbox->bell[native_node];
    const uint64_t pc = (uint64_t)__builtin_return_address(0);
    uint64_t go_to = pc;
    for (;;) {
        uint32_t seen = atomic_load(bell);
        struct interrupted here = {pc, 0};
        if (atomic_load(&call->state) == MAILBOX_DONE)
            return go_to != pc ? go_to : 0;
        if (atomic_load(&call->state) == MAILBOX_SPLIT)
            worker_fork(thread, call);
        leave_if_ended(thread);
        halt_here(
            thread); /* its shadow may be standing still already, even if the call is in a critical section */
        nodes_take_signal(thread, &here);
        go_to = here.pc != pc ? here.pc : go_to;
        if (atomic_load(&call->state) != MAILBOX_DONE)
            bell_wait(bell, seen, NODE_IDLE);
    }
}

long local_call(struct popcorn_thread *thread, long number, const long argument[6]) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct native *native = thread->native[native_node];
    native->critical++; /* a handler would post calls of its own between ours */
    struct mailbox_call *call = post_call(box, number, argument);
    native->critical--;
    if (!call)
        return -E_AGAIN;
    uint64_t go_to = await_answer(thread, call);
    long result = call->result;
    atomic_store(&call->state, MAILBOX_FREE);
    atomic_fetch_sub(&box->calls, 1);
    if (go_to)
        ((void (*)(void))go_to)();
    return result;
}

/* Runs the handler of a signal that has been posted since, if there is one. */
static void take_posted(struct popcorn_thread *thread) {
    struct interrupted here = {(uint64_t)__builtin_return_address(0), 0};
    nodes_take_signal(thread, &here);
}

/*
 * Leaves the innermost handler: its shadow forgets it, and the system call that the handler interrupted,
 * since longjmp goes to where neither is. The shadow may have posted another on top just now, and looks after
 * that first.
 */
static void abandon(struct popcorn_thread *thread, uint32_t depth) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct mailbox_signal *s = &box->signal[depth - 1];
    uint32_t outer = mailbox_base(box, depth - 1);
    _Atomic uint32_t *bell = &box->bell[native_node];
    node_carrier->forget_calls(thread, outer);
    atomic_store(&box->calls, outer);
    atomic_store(&s->state, MAILBOX_ABANDONED);
    node_carrier->tell_shadow(thread);
    for (uint32_t seen; seen = atomic_load(bell), atomic_load(&s->state) == MAILBOX_ABANDONED;) {
        take_posted(thread);
        if (atomic_load(&s->state) == MAILBOX_ABANDONED)
            bell_wait(bell, seen, NODE_TICK);
    }
}

void nodes_unpin(struct popcorn_thread *thread, int pinned) {
    struct popcorn_mailbox *box = thread->mailbox;
    _Atomic uint32_t *bell = &box->bell[native_node];
    thread->pinned = pinned;
    if (home_here)
        return;
    for (uint32_t seen, depth; seen = atomic_load(bell), (depth = atomic_load(&box->signals)) > 0;) {
        struct mailbox_signal *s = &box->signal[depth - 1];
        uint32_t state = atomic_load(&s->state);
        if (state == MAILBOX_TAKEN && s->pinned < pinned)
            return;
        if (state == MAILBOX_TAKEN)
            abandon(thread, depth);
        else if (state == MAILBOX_POSTED)
            take_posted(thread);
        else /* the shadow is about to take it off */
            bell_wait(bell, seen, A_MOMENT);
    }
}
