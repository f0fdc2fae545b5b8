/* SPDX-License-Identifier: MIT */
/*
 * Signals of the program. The kernel delivers them to native threads of the origin's process, by a native
 * handler that runs the program's on the thread's data stack; if the thread is elsewhere, its shadow hands
 * the signal on. One signal (base/own_signal.h) is the run time's own.
 */
#ifndef SIGNAL_SIGNALS_H
#define SIGNAL_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thread/native.h"

#define SIGNAL_COUNT 65
#define SIGNAL_BIT(sig) (1ULL << ((sig)-1))

enum {
    SIGNAL_ILL = 4,
    SIGNAL_TRAP = 5,
    SIGNAL_ABORT = 6,
    SIGNAL_BUS = 7,
    SIGNAL_FPE = 8,
    SIGNAL_KILL = 9,
    SIGNAL_USER1 = 10,
    SIGNAL_SEGV = 11,
    SIGNAL_USER2 = 12,
    SIGNAL_ALARM = 14,
    SIGNAL_CHILD = 17,
    SIGNAL_IO = 29,
    SIGNAL_XCPU = 24,
    SIGNAL_SYS = 31,
    SIGNAL_CANCEL = 33, /* of pthread_cancel */
    SIGNAL_DEFAULT = 0, /* handlers */
    SIGNAL_IGNORE = 1,
    ACTION_SIGINFO = 4, /* flags, as in the common ABI */
    ACTION_ONSTACK = 0x08000000,
    ACTION_RESTART = 0x10000000,
    ACTION_NODEFER = 0x40000000,
    ACTION_RESETHAND = (int)0x80000000,
};

/* The common ABI's struct sigaction as the kernel takes it. */
struct signal_action {
    uint64_t handler, flags, mask;
};

/* At the origin, by the first thread. */
void signals_start(void);

/*
 * Takes signals for the run time: came(sig) is called, in a signal handler, whenever one comes, whatever the
 * program does with it. In a child of a fork they are the program's again.
 */
void signals_take(uint64_t set, void (*came)(int sig));

/* In a process that begins with a checkpoint's memory, instead of signals_start(): what the program has set
 * holds. */
void signals_restored(void);

/* The system calls, at the origin. `size` is that of the kernel's signal sets: 8. */
long signals_action(int sig, const struct signal_action *, struct signal_action *old, size_t size);
long signals_mask(int how, const uint64_t *set, uint64_t *old, size_t size);
long signals_alternate(const void *new_stack, void *old_stack);

/* A mask without the signals that the program cannot block. */
uint64_t signals_allowed(uint64_t mask);

/* The end of a critical section in which a signal was put off. */
void signals_deliver_deferred(struct native *);

/* Where a handler interrupts the thread, and its signal mask; it may change both. */
struct interrupted {
    uint64_t pc, mask;
};

/*
 * Runs the program's handler on the calling thread, in whatever process, below what its data stack holds or
 * on its alternate stack. Ends the program if there is no room, as the kernel does.
 */
void signals_run(struct native *, int sig, const struct signal_action *, const void *info,
                 struct interrupted *);

/* Runs it on top of a native signal frame. */
void signals_run_on(struct native *, int sig, const struct signal_action *, const void *info, void *ucontext);

/* Puts a signal off: nothing more is delivered until signals_deliver_deferred(). */
void signals_defer(struct native *, int sig, const void *info, void *ucontext);

/* A handler of a fault begins on a node: as the kernel, changes the mask (which it returns) and the action.
 * Ends the program if the mask blocks the signal. At the origin, by the thread's shadow. */
uint64_t signals_fault_begins(int sig);

/* In a node's process: installs handlers for faults, and for the signal by which the origin wants attention.
 */
void signals_start_node(void);

static inline bool signals_handled(const struct signal_action *action) {
    return action->handler != SIGNAL_DEFAULT && action->handler != SIGNAL_IGNORE;
}

/* What the run time's own signal asks for: to stop for a moment, and to see whether a node has died. */
void signals_own_work(struct native *);

/* Told, in a signal handler of a thread, what somebody asked it from outside by the run time's own signal
 * (si_value; popcorn/control.h). */
extern void (*signals_asked)(struct popcorn_thread *, uint64_t value);

/* What the program has set for a signal, from any process. */
struct signal_action signals_current(int sig);

/* Ends the process as this signal does if nothing handles it. */
_Noreturn void signals_die(int sig);

#endif
