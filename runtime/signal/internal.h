/* SPDX-License-Identifier: MIT */
/* What the files of signal/ share. */
#ifndef SIGNAL_INTERNAL_H
#define SIGNAL_INTERNAL_H

#include "signal/signals.h"
#include "thread/room.h"

/* actions.c: in the child of a fork, no other thread holds the table's lock. */
void signals_forked(struct popcorn_thread *);

/* Where the thread's data stack pointer is kept. */
static inline uint64_t *signals_data_stack(struct popcorn_thread *thread) {
    return (uint64_t *)((char *)thread->tcb + POPCORN_TCB_DATA_STACK);
}

/* The beginning of a siginfo_t, as the kernel fills it in for a fault. */
struct fault_info {
    int32_t signal, error, code, reserved;
    uint64_t address;
};

/* Makes what the kernel says of a fault of this process what it would say of the program. */
void fault_explain(struct native *, int sig, struct fault_info *);

/* In a node's process: installs the handlers. */
void fault_start_node(void);

/* The top of the alternate stack if a handler that interrupts the thread at `sp` may change to it, or 0. */
uint64_t alternate_top(struct popcorn_thread *, uint64_t sp);

/* False if the thread is on the alternate stack and a handler's frame would not fit there any more. */
bool alternate_holds(struct popcorn_thread *, uint64_t sp, uint64_t frame);

/* A handler begins: the stack as the program has set it, for the handler to see. It may disarm itself now. */
struct room_alternate alternate_begin(struct popcorn_thread *);

/* And ends: what the handler was shown, or has changed that to, holds again, if `sp` allows it. */
void alternate_end(struct popcorn_thread *, const struct room_alternate *saved, uint64_t sp);

/* actions.c: makes the kernel act as the table says. */
void signals_reinstall(void);

#endif
