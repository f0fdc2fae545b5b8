/* SPDX-License-Identifier: MIT */
/*
 * All threads that are on nodes stand still while the origin copies the program's memory for a fork. They do
 * so by themselves, when a signal tells them to look: were their processes stopped from outside, they could
 * not end with the origin.
 */
#include "node/internal.h"
#include "thread/native.h"
#include "thread/threads.h"

#define PATIENCE 1000000000L /* nanoseconds */
#define NUDGE 10000000L      /* nanoseconds until a thread that does not halt is told again */

static _Atomic uint32_t *halt_word(void) {
    return (_Atomic uint32_t *)&popcorn_control()->halt;
}

void halt_here(struct popcorn_thread *thread) {
    if (!atomic_load(halt_word()))
        return;
    atomic_store(&thread->mailbox->halted, 1);
    bell_ring(&node_room(popcorn_control()->origin)->answer);
    while (atomic_load(halt_word()))
        KERNEL(NR_futex, halt_word(), FUTEX_WAIT, 1, 0);
    atomic_store(&thread->mailbox->halted, 0);
}

/* A thread under way is taken by nobody while the word is set. */
static bool all_halted(const struct popcorn_thread *self) {
    const struct popcorn_control *control = popcorn_control();
    bool all = true;
    for (const struct popcorn_thread *t = control->threads; t; t = t->next) {
        struct popcorn_mailbox *box = t->mailbox;
        uint32_t place = atomic_load(&box->place);
        int nid = MAILBOX_NODE(place);
        if (t == self || MAILBOX_PHASE(place) != MAILBOX_RUNNING || nid == control->origin ||
            atomic_load(&box->halted))
            continue;
        KERNEL(NR_tgkill, control->node[nid].pid, box->worker[nid], SIGNAL_USER1);
        all = false;
    }
    return all;
}

bool local_halt(void) {
    int64_t end = kernel_nanoseconds() + PATIENCE;
    _Atomic uint32_t *bell = &node_room(popcorn_control()->origin)->answer;
    atomic_store(halt_word(), 1);
    for (;;) {
        uint32_t seen = atomic_load(bell);
        if (all_halted(popcorn_current()))
            return true;
        if (kernel_nanoseconds() > end)
            break;
        bell_wait(bell, seen, NUDGE);
    }
    nodes_release();
    return false;
}

void nodes_release(void) {
    atomic_store(halt_word(), 0);
    KERNEL(NR_futex, halt_word(), FUTEX_WAKE, 0x7fffffff);
}
