/* SPDX-License-Identifier: MIT */
/*
 * The thread's native thread at the origin while the thread is elsewhere: carries out its system calls, hands
 * it the signals that come here, and takes it when it comes home.
 */
#include "node/internal.h"
#include "thread/native.h"
#include "thread/threads.h"

void shadow_leave_block(struct popcorn_thread *thread) {
    struct native *native = thread->native[native_node];
    native->away_tcb[POPCORN_TCB_THREAD / 8] = (uint64_t)thread;
    machine_set_thread_pointer(native->away_tcb);
}

/* libc on the node may have given the thread another block. */
static void follow_thread_pointer(struct popcorn_thread *thread) {
    if (machine_thread_pointer() != thread->tcb)
        machine_set_thread_pointer(thread->tcb);
}

long shadow_carry_out(struct popcorn_thread *thread, long number, const long a[6]) {
    follow_thread_pointer(thread);
    switch (number) {
    case MAILBOX_START_NODE:
        return node_start((int)a[0], thread->mailbox->reason);
    case MAILBOX_LOOK:
        return 0;
    }
    return nodes_system_call(thread, number, a);
}

/* A signal that was put off while the thread hopped blocks all others until it is delivered: the call would
 * see that mask, and wait with it. */
void shadow_settle_signal(struct popcorn_thread *thread) {
    struct native *native = thread->native[native_node];
    if (native->deferred && !native->critical)
        signals_deliver_deferred(native);
}

static void serve(struct popcorn_thread *thread, uint32_t index) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct mailbox_call *call = &box->call[index];
    if (index >= MAILBOX_DEPTH || atomic_load(&call->state) != MAILBOX_POSTED)
        return;
    shadow_settle_signal(thread);
    void *block = machine_thread_pointer();
    call->result = shadow_carry_out(thread, call->number, call->argument);
    machine_set_thread_pointer(block);
    atomic_store(&call->state, MAILBOX_DONE);
    bell_ring(&box->bell[thread->node]);
}

static void look_after(struct popcorn_mailbox *box) {
    uint32_t place = atomic_load(&box->place);
    peers_check();
    if (MAILBOX_PHASE(place) == MAILBOX_RUNNING && !node_runs(MAILBOX_NODE(place)))
        peers_died(MAILBOX_NODE(place));
}

void shadow_remove_signal(struct popcorn_mailbox *box, struct mailbox_signal *s) {
    atomic_store(&s->state, MAILBOX_FREE);
    atomic_fetch_sub(&box->signals, 1);
}

struct mailbox_signal *shadow_top_signal(struct popcorn_mailbox *box) {
    uint32_t depth = atomic_load(&box->signals);
    return depth ? &box->signal[depth - 1] : NULL;
}

/* A handler whose native frame start_anew() dropped has returned: so does the call that it interrupted. */
static void finish_orphan(struct popcorn_thread *thread, struct mailbox_signal *s) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct mailbox_call *call = s->base ? &box->call[s->base - 1] : NULL;
    bool restart = s->action.flags & ACTION_RESTART;
    KERNEL(NR_rt_sigprocmask, MASK_SET, &s->mask, 0, 8);
    shadow_remove_signal(box, s);
    if (!call || restart || atomic_load(&call->state) != MAILBOX_POSTED)
        return;
    call->result = -E_INTR;
    atomic_store(&call->state, MAILBOX_DONE);
    bell_ring(&box->bell[thread->node]);
}

/* Handlers without a native frame here that have ended; before the thread can have come home. */
static void settle_orphans(struct popcorn_thread *thread) {
    struct popcorn_mailbox *box = thread->mailbox;
    for (struct mailbox_signal *s; (s = shadow_top_signal(box));) {
        uint32_t state = atomic_load(&s->state);
        if (state == MAILBOX_TAKEN)
            return;
        if (state == MAILBOX_DONE)
            finish_orphan(thread, s);
        else
            shadow_remove_signal(box, s);
        bell_ring(&box->bell[thread->node]);
    }
}

void local_shadow(struct popcorn_thread *thread) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct native *native = thread->native[native_node];
    int64_t looked = kernel_nanoseconds();
    shadow_leave_block(thread);
    for (;;) {
        uint32_t seen = atomic_load(&box->bell[native_node]);
        settle_orphans(thread);
        arrive_if_sent(thread);
        serve(thread, mailbox_base(box, atomic_load(&box->signals)));
        if (native->deferred && MAILBOX_PHASE(atomic_load(&box->place)) == MAILBOX_RUNNING)
            signals_deliver_deferred(native);
        bell_wait(&box->bell[native_node], seen, NODE_TICK);
        if (kernel_nanoseconds() - looked >= NODE_TICK) {
            look_after(box);
            looked = kernel_nanoseconds();
        }
    }
}

static long shadow_again(void *thread) {
    node_carrier->shadow(thread);
    __builtin_trap();
}

/* Makes the worker look: it may be computing, or waiting for an answer to a call. */
void local_nudge(struct popcorn_thread *thread) {
    struct popcorn_mailbox *box = thread->mailbox;
    int nid = thread->node;
    const struct popcorn_node_entry *node = &popcorn_control()->node[nid];
    bell_ring(&box->bell[nid]);
    if (atomic_load(&box->calls) == 0 && box->worker[nid])
        KERNEL(NR_tgkill, node->pid, box->worker[nid], SIGNAL_USER1);
}

void local_attend(struct popcorn_thread *thread, struct mailbox_signal *s, uint32_t seen,
                  int64_t nanoseconds) {
    struct popcorn_mailbox *box = thread->mailbox;
    if (atomic_load(&s->state) == MAILBOX_TAKEN)
        serve(thread, s->base);
    bell_wait(&box->bell[native_node], seen, nanoseconds);
    look_after(box);
}

/* The slot is taken first: another signal may come at any moment, and finds its own behind it. */
static struct mailbox_signal *post_signal(struct popcorn_mailbox *box, int sig,
                                          const struct signal_action *action, const void *info,
                                          uint64_t mask) {
    if (atomic_load(&box->signals) >= MAILBOX_DEPTH)
        return NULL;
    struct mailbox_signal *s = &box->signal[atomic_fetch_add(&box->signals, 1)];
    s->sig = sig;
    s->mask = mask;
    s->action = *action;
    __builtin_memcpy(s->info, info, sizeof s->info);
    atomic_store(&s->state, MAILBOX_POSTED);
    return s;
}

/* Not taken yet, and the thread is leaving its node: true if the signal could be taken off it again. */
static bool withdraw(struct popcorn_mailbox *box, struct mailbox_signal *s) {
    uint32_t posted = MAILBOX_POSTED;
    if (MAILBOX_PHASE(atomic_load(&box->place)) == MAILBOX_RUNNING ||
        !atomic_compare_exchange_strong(&s->state, &posted, MAILBOX_FREE))
        return false;
    shadow_remove_signal(box, s);
    return true;
}

/*
 * Of the handlers that the one left had interrupted, or had come before: what has ended since has nothing to
 * go back to, as the jump leads out of that too. What has not begun comes once more, as a signal: no native
 * frame waits for it any more.
 */
static void drop_others(struct popcorn_mailbox *box, struct mailbox_signal *left) {
    bool inner = true;
    for (struct mailbox_signal *s = left; s-- > box->signal;) {
        uint32_t posted = MAILBOX_POSTED, state = atomic_load(&s->state);
        inner = inner && state != MAILBOX_TAKEN;
        if (inner && state == MAILBOX_DONE)
            atomic_store(&s->state, MAILBOX_FREE);
        else if (atomic_compare_exchange_strong(&s->state, &posted, MAILBOX_FREE))
            KERNEL(NR_rt_tgsigqueueinfo, KERNEL(NR_getpid), native_self()->tid, s->sig, s->info);
    }
}

/*
 * The handler was left by longjmp, and with it whatever this native thread was doing for it. As natively, the
 * signal mask stays as it is. Handlers further out go on without their native frames (settle_orphans()).
 */
static _Noreturn void start_anew(struct popcorn_thread *thread, struct mailbox_signal *s) {
    struct native *native = thread->native[native_node];
    native->orphans = true;
    drop_others(thread->mailbox, s);
    shadow_remove_signal(thread->mailbox, s);
    bell_ring(&thread->mailbox->bell[thread->node]);
    critical_end();
    machine_run((void *)native->stack_high, shadow_again, thread);
}

enum home_forwarding nodes_forward_signal(struct popcorn_thread *thread, int sig,
                                          const struct signal_action *action, const void *info,
                                          uint64_t *mask) {
    struct popcorn_mailbox *box = thread->mailbox;
    uint32_t place = atomic_load(&box->place);
    if (place == MAILBOX_PLACE(MAILBOX_RUNNING, native_node))
        return HOME_RUN_HERE;
    struct mailbox_signal *s =
        MAILBOX_PHASE(place) == MAILBOX_RUNNING ? post_signal(box, sig, action, info, *mask) : NULL;
    if (!s)
        return HOME_UNDER_WAY;
    for (int64_t patience = node_carrier->first_nudge;;
         patience = patience < NODE_TICK ? patience * 2 : NODE_TICK) {
        uint32_t seen = atomic_load(&box->bell[native_node]), state = atomic_load(&s->state);
        if (state == MAILBOX_DONE) {
            *mask = s->mask;
            shadow_remove_signal(box, s);
            return HOME_FORWARDED;
        }
        if (state == MAILBOX_ABANDONED)
            start_anew(thread, s);
        if (state == MAILBOX_POSTED) {
            if (withdraw(box, s))
                return HOME_UNDER_WAY;
            node_carrier->nudge(thread);
        }
        node_carrier->attend(thread, s, seen, patience);
    }
}
