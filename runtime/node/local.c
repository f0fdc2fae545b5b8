/* SPDX-License-Identifier: MIT */
/*
 * The local backend: the nodes are processes on this machine, native or under qemu-user. To send a thread is
 * to write its mailbox's place and to ring; the receiver takes it by one compare-and-swap, and until that the
 * sender can have it back.
 */
#include "memory/memory.h"
#include "node/internal.h"
#include "thread/native.h"

static int count(void) {
    return (int)popcorn_control()->nnodes;
}

static int info(int nid, struct popcorn_node *out) {
    const struct popcorn_control *control = popcorn_control();
    if (nid < 0 || nid >= (int)control->nnodes)
        return -E_INVAL;
    __builtin_memcpy(out->isa, control->node[nid].isa, sizeof out->isa);
    out->origin = nid == control->origin;
    out->available = !node_failed(nid);
    return 0;
}

static int say(char reason[POPCORN_REASON_SIZE], const char *what, int error) {
    struct text t = text_begin(reason, POPCORN_REASON_SIZE);
    text_string(&t, what);
    return error;
}

/* The node's process runs when this returns 0; only the origin can start one. */
static int prepare_node(struct popcorn_thread *thread, int nid, char *reason) {
    if (node_runs(nid))
        return 0;
    if (home_here)
        return node_start(nid, reason);
    long argument[6] = {nid};
    int r = (int)local_call(thread, MAILBOX_START_NODE, argument);
    return r ? say(reason, thread->mailbox->reason, r) : 0;
}

/* Puts the thread on the list of those for which the node's service makes a worker. */
static void want_worker(struct popcorn_thread *thread, int nid) {
    struct node_room *room = node_room(nid);
    struct popcorn_thread *first = atomic_load(&room->wanted);
    do
        thread->mailbox->next_wanted = first;
    while (!atomic_compare_exchange_weak(&room->wanted, &first, thread));
    service_call(nid);
}

static void post(struct popcorn_thread *thread, int nid) {
    struct popcorn_mailbox *box = thread->mailbox;
    thread->times.sent = (uint64_t)kernel_nanoseconds();
    atomic_store(&box->place, MAILBOX_PLACE(MAILBOX_SENT, nid));
    if (nid != popcorn_control()->origin && !box->worker[nid])
        want_worker(thread, nid);
    else
        bell_ring(&box->bell[nid]);
}

static bool take_back(struct popcorn_mailbox *box, int nid) {
    uint32_t sent = MAILBOX_PLACE(MAILBOX_SENT, nid);
    return atomic_compare_exchange_strong(&box->place, &sent, MAILBOX_PLACE(MAILBOX_RUNNING, native_node));
}

/* 0: the thread is gone, taken by the node. */
static int await_acceptance(struct popcorn_mailbox *box, int nid, char *reason) {
    int64_t end = kernel_nanoseconds() + NODE_PATIENCE;
    for (;;) {
        uint32_t seen = atomic_load(&box->bell[native_node]), place = atomic_load(&box->place);
        if (place == MAILBOX_PLACE(MAILBOX_REFUSED, nid)) {
            atomic_store(&box->place, MAILBOX_PLACE(MAILBOX_RUNNING, native_node));
            return say(reason, box->reason, -E_NOMEM);
        }
        if (place != MAILBOX_PLACE(MAILBOX_SENT, nid))
            return 0;
        if (home_here)
            peers_check();
        if (!node_runs(nid) && take_back(box, nid))
            return say(reason, "the node's process died", -E_NODEV);
        if ((home_here ? kernel_nanoseconds() > end : pause_patience_ends(end)) && take_back(box, nid))
            return say(reason, "the node's process does not answer", -E_TIMEDOUT);
        bell_wait(&box->bell[native_node], seen, NODE_TICK);
    }
}

/* A process that forked had the one thread: the next that comes here gets another process. */
static _Noreturn void leave_alone(void) {
    __atomic_store_n(&popcorn_control()->node[native_node].state, POPCORN_NODE_ABSENT, __ATOMIC_RELEASE);
    KERNEL(NR_exit_group, 0);
    __builtin_trap();
}

static int send(struct popcorn_thread *thread, int nid, char reason[POPCORN_REASON_SIZE]) {
    int r = prepare_node(thread, nid, reason); /* may take long: handlers run meanwhile */
    if (r)
        return r;
    critical_enter(); /* no handler may run between here and there */
    post(thread, nid);
    r = await_acceptance(thread->mailbox, nid, reason);
    if (r == 0) {
        critical_end();
        if (home_here)
            local_shadow(thread);
        atomic_fetch_sub(&node_room(native_node)->present, 1);
        if (atomic_load(&node_room(native_node)->alone))
            leave_alone();
        worker_wait(thread);
    }
    critical_leave();
    return r;
}

static bool never_lost(uint64_t address) {
    (void)address;
    return false;
}

const struct carrier local_carrier = {
    .backend = {"local", count, info, send},
    .call = local_call,
    .tell_shadow = local_tell_shadow,
    .settle = local_settle,
    .forget_calls = local_forget_calls,
    .shadow = local_shadow,
    .attend = local_attend,
    .nudge = local_nudge,
    .first_nudge = 1000000,
    .make_forget = local_make_forget,
    .call_to_halt = local_call_to_halt,
    .look = local_look,
    .end = local_end,
    .fork = local_fork,
    .forked = local_forked,
    .thread_ends = local_thread_ends,
    .lost = never_lost,
};
