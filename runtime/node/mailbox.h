/* SPDX-License-Identifier: MIT */
/*
 * Where a thread's native threads, one in each process that it has visited, meet: its shadow at the origin
 * and its workers at nodes. In portable memory, part of the thread's room.
 *
 * `place` says who has the thread. A hop: the sender writes SENT(to); the receiver makes that RUNNING(to),
 * and only then begins to rebuild; until then the sender can take the thread back. Whoever changes something
 * rings the bell of the process that shall look.
 */
#ifndef NODE_MAILBOX_H
#define NODE_MAILBOX_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/home.h"
#include "popcorn/control.h"
#include "signal/signals.h"

#define MAILBOX_DEPTH 8 /* a system call, interrupted by a handler that makes one, and so on */

enum mailbox_phase {
    MAILBOX_RUNNING, /* on the node */
    MAILBOX_SENT,    /* to the node */
    MAILBOX_REFUSED, /* by the node */
    MAILBOX_ENDED,   /* the thread is no more: workers go */
};

#define MAILBOX_PLACE(phase, node) ((uint32_t)(node) << 8 | (phase))
#define MAILBOX_PHASE(place) ((enum mailbox_phase)((place)&0xff))
#define MAILBOX_NODE(place) ((int)((place) >> 8))

enum mailbox_state {
    MAILBOX_FREE,
    MAILBOX_POSTED,
    MAILBOX_TAKEN, /* a signal: its handler is running */
    MAILBOX_DONE,
    MAILBOX_ABANDONED, /* a signal: its handler was left by longjmp */
    MAILBOX_SPLIT,     /* a call: the process of the node shall fork (node/fork.c) */
};

/* What a worker asks its shadow to do. */
struct mailbox_call {
    _Atomic uint32_t state; /* enum mailbox_state */
    uint32_t reserved;
    long number; /* of a system call, or one of enum mailbox_special */
    long argument[6];
    long result;
};

/* Requests that are no system call of Linux, and only a shadow understands. */
enum mailbox_special {
    MAILBOX_START_NODE = HOME_SPECIALS, /* node */
    MAILBOX_LOOK,                       /* nothing: the shadow shall see what has become of a signal */
};

/* What a shadow asks its worker to do: run the program's handler of a signal that came to the shadow. */
struct mailbox_signal {
    _Atomic uint32_t state; /* enum mailbox_state */
    int32_t sig;
    uint32_t base;  /* calls that were posted when the handler began: the handler's own come behind them;
                       of a handler that has not begun it says nothing (mailbox_base()) */
    int32_t pinned; /* thread->pinned then */
    uint64_t mask;  /* the interrupted signal mask; the handler may change it */
    struct signal_action action;
    uint64_t info[16];
};

struct popcorn_mailbox {
    _Atomic uint32_t place;
    _Atomic uint32_t workers; /* in all nodes' processes */
    _Atomic uint32_t halted;  /* halt.c: it stands still on its node */
    _Atomic uint32_t forking; /* halt.c: its shadow is what makes the others stand still */
    _Atomic uint32_t bell[POPCORN_CONTROL_NODES]; /* futexes */
    _Atomic uint32_t calls;                       /* depth of calls posted */
    struct mailbox_call call[MAILBOX_DEPTH];
    _Atomic uint32_t signals; /* depth of signals posted */
    struct mailbox_signal signal[MAILBOX_DEPTH];
    int32_t worker[POPCORN_CONTROL_NODES]; /* tid of the worker in a node's process, 0 if there is none yet */
    struct popcorn_thread *next_wanted;    /* in the list of threads for which a node shall make a worker */
    int64_t stamp[2];                      /* what the sender's clocks showed (clock.h: clock_stamp) */
    void *begin;      /* not NULL: no frames yet, the thread begins with the receiver's own _start_c(begin) */
    char reason[160]; /* of a refusal by a node */
};

#endif
