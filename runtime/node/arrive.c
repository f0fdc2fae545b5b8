/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "node/internal.h"
#include "thread/native.h"

/* musl's first function: part of the module, but at another address in each image. */
_Noreturn void _start_c(long *arguments);

/* Accepts first, works then: from the compare-and-swap on the sender is out of it. */
void arrive_if_sent(struct popcorn_thread *thread) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct native *native = thread->native[native_node];
    uint32_t sent = MAILBOX_PLACE(MAILBOX_SENT, native_node);
    if (atomic_load(&box->place) != sent || popcorn_control()->halt)
        return;
    critical_enter(); /* until the thread has landed: popcorn_release_signals() */
    if (!atomic_compare_exchange_strong(&box->place, &sent, MAILBOX_PLACE(MAILBOX_RUNNING, native_node))) {
        critical_leave();
        return;
    }
    if (!home_here)
        halt_here(thread); /* told so since the look above */
    thread->times.accepted = (uint64_t)clock_nanoseconds();
    thread->node = native_node;
    if (!home_here) {
        atomic_fetch_add(&node_room(native_node)->present, 1);
        node_carrier->settle();
    }
    machine_set_thread_pointer(thread->tcb);
    if (box->begin) {
        void *arguments = box->begin;
        box->begin = NULL;
        critical_end();
        machine_run((void *)native->stack_high, (long (*)(void *))(uintptr_t)_start_c, arguments);
    }
    if (stack_validate(thread))
        popcorn_fatal("a thread arrived with a damaged chain of frame records", NODE_EXIT_DIED);
    stack_rebuild(thread);
}
