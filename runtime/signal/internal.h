/* SPDX-License-Identifier: MIT */
/* What the files of signal/ share. */
#ifndef SIGNAL_INTERNAL_H
#define SIGNAL_INTERNAL_H

#include "signal/signals.h"
#include "thread/room.h"

/* actions.c: in the child of a fork, no other thread holds the table's lock. */
void signals_forked(struct popcorn_thread *);

/*
 * handler.c: between the two, the run time's own system calls are made even if one of the program's, which
 * the handler has interrupted, is to end (POPCORN_CANCEL_INTERRUPTED, machine.h): a wake-up that is not made
 * is lost, and who cannot sleep spins. The first says what the second needs.
 */
bool signals_calls_begin(void);
void signals_calls_end(bool interrupted);

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

/* Was a fault raised by the run time's own instructions? Not by what acts on the program's pointers, and not
 * at the end of the program's stack. */
bool fault_is_own(const struct fault_info *, const void *ucontext);

/* Ends the program for such a fault, with one line that says where. Never returns. */
_Noreturn void fault_end(int sig, const struct fault_info *, const void *ucontext);

/* Ends the program, with one line, if the memory that it faulted on is lost; before anything of the program's
 * is looked at, as that may be lost too. */
void fault_end_if_lost(int sig, const struct fault_info *);

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

/* actions.c: faults come to the run time, whatever the program does with them. At the origin, at its start.
 */
void signals_watch_faults(void);

/* actions.c: makes the kernel act as the table says. */
void signals_reinstall(void);

#endif
