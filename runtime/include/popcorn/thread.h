/* SPDX-License-Identifier: MIT */
/*
 * A thread of the program, in portable memory: valid at the same address in every process of the program.
 * Found at thread pointer + POPCORN_TCB_THREAD. Fields change only from the thread itself, or as said.
 */
#ifndef POPCORN_THREAD_H
#define POPCORN_THREAD_H

#include <stddef.h>
#include <stdint.h>

#include "popcorn/abi.h"

struct popcorn_hop_times { /* nanoseconds, CLOCK_MONOTONIC */
    uint64_t capture_begin, capture_end, sent, accepted, rebuilt;
};

/* What the landing does besides returning its value to the innermost call. */
enum popcorn_landing {
    POPCORN_LANDING_HOP,     /* tells lib/migration that the thread has arrived */
    POPCORN_LANDING_JUMP,    /* nothing: a longjmp rebuilt one frame */
    POPCORN_LANDING_CONTEXT, /* lets signals in: setcontext rebuilt another stack's frames */
    POPCORN_LANDING_FORK,    /* as HOP; then returns what popcorn_fork_landed() returns */
    POPCORN_LANDING_RESTART, /* as HOP, but nothing is counted: the thread was in a checkpoint */
};

/* Handlers of the program that ran since a thread began a system call which it may leave to come to a point.
 */
enum popcorn_handled {
    POPCORN_HANDLED_NONE,
    POPCORN_HANDLED_RESTART,   /* all of them with SA_RESTART */
    POPCORN_HANDLED_INTERRUPT, /* another one: the call must not wait any more */
};

/* A system call that was left to come to a point, and is to be made again. */
struct popcorn_wait {
    uint64_t place; /* of one with a time limit: the data stack pointer of the caller; 0: none */
    int64_t number; /* of the system call */
    int64_t left;   /* nanoseconds of the limit */
    volatile enum popcorn_handled handled;
};

/*
 * A data stack: [low, high). While no thread is on it, the frames that stand on it are a chain of records,
 * which lies below their data.
 */
struct popcorn_stack {
    uint64_t low, high;
    struct frame_record *outermost; /* atomic; NULL if there are none, or a thread is on the stack */
    uint64_t bytes;                 /* of the chain */
    long (*start)(void *); /* of a stack that makecontext() made: what runs on it, and its argument */
    void *argument;
};

struct popcorn_thread {
    int32_t tid;     /* what gettid() returns everywhere */
    int32_t node;    /* where it runs now */
    int32_t request; /* atomic: node asked for from outside, or -1 (see lib/migration) */
    int32_t
        pinned; /* not zero: must not migrate now (in a signal handler, in a vfork child, not set up yet) */
    uint64_t
        epoch; /* number of times its native stack was replaced; jmp_bufs of an older epoch are rebuilt */
    void *tcb; /* its thread pointer */
    uint8_t *records; /* hop buffer, in portable memory, written from its end downward */
    size_t records_size;
    struct stack_entries
        *entries; /* stack-transform's: where resumed functions that call setjmp were called */
    struct frame_record *outermost; /* of the chain in flight, in the hop buffer */
    uint64_t frames, bytes;         /* of the chain in flight */
    int32_t landing;                /* enum popcorn_landing, of the chain in flight */
    int32_t from;                   /* node that the chain was captured on */
    uint32_t
        floating; /* environment (popcorn/floating.h) to go on in: of the chain in flight, of a new thread */
    struct popcorn_hop_times times;
    struct popcorn_trigger_state *triggers; /* lib/migration's */
    struct popcorn_mailbox *mailbox;        /* the backend's */
    void *native[32];                       /* by node of this process: private, see runtime */
    struct popcorn_thread *next, *previous; /* in the control block's list of threads */
    struct popcorn_stack own_stack;         /* the one that it was made with */
    struct popcorn_stack *stack;            /* the one that it is on */
    int32_t kernel_tid; /* at the origin: the kernel's, which a restart from a checkpoint changes */
    int32_t reserved;
    int32_t *clear_tid; /* what is cleared when the thread ends, and woken */
    struct popcorn_wait wait;
};

#endif
