/* SPDX-License-Identifier: MIT */
/*
 * All threads that are on nodes stand still while the origin copies the program's memory for a fork. They do
 * so by themselves, when a signal tells them to look: were their processes stopped from outside, they could
 * not end with the origin.
 */
#include "node/internal.h"
#include "thread/native.h"
#include "thread/threads.h"

#define NUDGE 10000000L /* nanoseconds until a thread that does not halt is told again */
#define LOOK 2000000L   /* nanoseconds between looks where no futex reaches the other side */

static _Atomic uint32_t *halt_word(void) {
    return (_Atomic uint32_t *)&popcorn_control()->halt;
}

void halt_wait(void) {
    struct kernel_time pause = {0, LOOK};
    while (atomic_load(halt_word()))
        if (home_machines)
            KERNEL(NR_nanosleep, &pause, 0);
        else
            KERNEL(NR_futex, halt_word(), FUTEX_WAIT, 1, 0);
}

static bool must_halt(const struct popcorn_thread *thread) {
    return atomic_load(halt_word()) && !atomic_load(&thread->mailbox->forking);
}

void halt_here(struct popcorn_thread *thread) {
    while (must_halt(thread)) { /* told so again, it may have been taken for halted still */
        atomic_store(&thread->mailbox->halted, 1);
        bell_ring(&node_room(popcorn_control()->origin)->answer);
        while (must_halt(thread))
            if (home_machines)
                halt_wait();
            else
                bell_wait(halt_word(), 1, NODE_TICK);
        atomic_store(&thread->mailbox->halted, 0);
    }
}

/* Is it on a node and computing? A thread under way is taken by nobody while the word is set. */
static bool runs_elsewhere(const struct popcorn_thread *thread) {
    uint32_t place = atomic_load(&thread->mailbox->place);
    return MAILBOX_PHASE(place) == MAILBOX_RUNNING && MAILBOX_NODE(place) != popcorn_control()->origin &&
           (home_machines || node_runs(MAILBOX_NODE(place))) && !atomic_load(&thread->mailbox->halted);
}

static bool all_halted(const struct popcorn_thread *self) {
    bool all = true;
    for (const struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next) {
        if (t == self || !runs_elsewhere(t))
            continue;
        node_carrier->call_to_halt(t);
        all = false;
    }
    return all;
}

void local_call_to_halt(const struct popcorn_thread *thread) {
    int nid = MAILBOX_NODE(atomic_load(&thread->mailbox->place));
    KERNEL(NR_tgkill, popcorn_control()->node[nid].pid, thread->mailbox->worker[nid], SIGNAL_USER1);
}

/* Between two machines the bell wakes nobody. */
static void wait_for_answer(_Atomic uint32_t *bell, uint32_t seen) {
    struct kernel_time pause = {0, NUDGE};
    if (home_machines)
        KERNEL(NR_nanosleep, &pause, 0);
    else
        bell_wait(bell, seen, NUDGE);
}

bool nodes_halt(void) {
    int64_t end = kernel_nanoseconds() + NODE_PATIENCE;
    _Atomic uint32_t *bell = &node_room(popcorn_control()->origin)->answer;
    atomic_store(&popcorn_current()->mailbox->forking, 1);
    atomic_store(halt_word(), 1);
    for (;;) {
        uint32_t seen = atomic_load(bell);
        if (all_halted(popcorn_current()))
            return true;
        if (kernel_nanoseconds() > end)
            break;
        wait_for_answer(bell, seen);
        peers_check(); /* (whoever looks next ends the program, if a thread was on a node that died) */
    }
    nodes_release();
    return false;
}

void nodes_release(void) {
    atomic_store(&popcorn_current()->mailbox->forking, 0);
    atomic_store(halt_word(), 0);
    KERNEL(NR_futex, halt_word(), FUTEX_WAKE, 0x7fffffff);
}
