/* SPDX-License-Identifier: MIT */
/*
 * What a thread of the program has in one process alone: its native stack, and the state of its signals
 * there. It lies at the top of the mapping of the native stack:
 *
 *   guard | native stack | guard page | alternate signal stack | struct native
 *
 * A thread of the program reaches it by thread->native[node of this process].
 */
#ifndef THREAD_NATIVE_H
#define THREAD_NATIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/critical.h"
#include "memory/memory.h"
#include "popcorn/thread.h"

#define NATIVE_MAIN_STACK (1UL << 30) /* the most that one can need */
#define NATIVE_THREAD_STACK (256UL << 20)
#define NATIVE_CALLS 8 /* MAILBOX_DEPTH */
#define NATIVE_LEAST_STACK (1UL << 20)
#define NATIVE_RESERVE (256UL << 10) /* what the run time may need of a native stack */

struct native {
    struct popcorn_thread *thread;
    uintptr_t map, map_end;          /* the whole mapping */
    uintptr_t stack_low, stack_high; /* the native stack */
    uintptr_t alternate_low, alternate_high;
    int32_t tid;              /* of the native thread in this process */
    _Atomic uint32_t stopped; /* stop.c: it stands still for this time */
    atomic_bool waiting;      /* stop.c: for the list's lock, or for a vfork child */
    bool vfork_child;         /* a vfork child is borrowing the thread: process-wide state is not its own */
    volatile int critical;    /* greater than 0: handlers of the program are put off */
    volatile int
        deferred; /* the number of the signal put off, or 0; all others but faults are blocked meanwhile */
    uint64_t deferred_mask; /* the signal mask to go back to */
    uint64_t deferred_info[16];
    volatile uint64_t program_signals; /* handlers of the program run here */
    volatile uint64_t own_signals;     /* signals of the run time's own that came here */
    bool restart;                      /* the last handler was set with SA_RESTART */
    volatile bool
        own_due;        /* the run time's own signal came in a critical section: signals_own_work() is due */
    volatile bool look; /* a node may have died */
    volatile bool
        arrived; /* the thread has come back from another machine; its shadow has not taken it yet */
    volatile bool may_stop;  /* who makes a system call now can come to a migration point instead */
    volatile bool stoppable; /* and it is under way */
    volatile bool woken;     /* the run time's signal has ended it */
    volatile bool gathered;  /* it stands still for a checkpoint */
    uint64_t gathered_mask, gathered_pending; /* and its signal mask then, and what waits behind it */
    bool orphans;   /* handlers may be under way whose native frames here are gone */
    uint32_t calls; /* a shadow's, between machines: the calls that it is carrying out, the innermost last */
    struct native_call {
        uint64_t id;
        long number, argument[6];
    } call[NATIVE_CALLS];
    _Atomic uint32_t
        *clear_tid; /* what the kernel would clear when the thread ends, if futexes are the run time's */
    struct memory_try last_fault; /* the last access that was tried again */
    struct native *next_worker;   /* node/pause.c: in a node's process */
    volatile bool paused;         /* and it stands still, as the program is stopped */
    int (*start)(void *);         /* a new thread's function and its argument */
    void *argument;
    uint64_t last_tcb[POPCORN_TCB_SIZE / 8]; /* the thread pointer's target while the thread ends */
    uint64_t away_tcb[POPCORN_TCB_SIZE / 8]; /* and, at the origin, while it is elsewhere */
};

/* The number of this process's node. */
extern int native_node;

/* The calling thread's; NULL before it is set up. */
struct native *native_self(void);

/* The same in a signal handler, by its stack alone: whatever has become of portable memory. NULL also if it
 * has none. */
struct native *native_of_handler(void);

/* A limit of address space is the program's, and it has one stack for each thread: of what more the run time
 * reserves, a small part. `size` without such a limit. */
size_t native_allowed(size_t size);

/*
 * Maps a native stack of `size` bytes (or less, if so much is refused) for a thread in this process and
 * enters it in thread->native[]. NULL if there is no memory.
 */
struct native *native_create(struct popcorn_thread *, size_t size);

/* How large the main thread's native stack shall be. */
size_t native_main_stack(const struct popcorn_thread *);

/*
 * The program comes into the run time: if its native stack is nearly at an end, that is so here, before
 * anything has been done, by a fault as of a stack that overflows (signal/fault.c).
 */
static inline void native_require_room(const struct popcorn_thread *thread) {
    volatile char here;
    const struct native *native = thread->native[native_node];
    if ((uintptr_t)&here - native->stack_low < NATIVE_RESERVE)
        here = *(volatile char *)native->map;
}

/* Enters a native stack that was made without a thread (NULL) in a thread. */
void native_bind(struct native *, struct popcorn_thread *);

/* Gives the kernel the calling thread's alternate signal stack and takes note of its native tid. */
void native_adopt(struct native *);

/* Unmaps it; no thread may be standing on it. */
void native_destroy(struct native *);

/* Ends the calling native thread, whose stack this is, and gives the stack back. Its thread of the program is
 * gone, and its signals are blocked. */
_Noreturn void native_leave(struct native *);

/* The calling native thread, whose stack this is and which stands at its top, is nobody's from now on, and
 * waits to be somebody's again. Its thread pointer is native->last_tcb. */
void native_rest(struct native *);

/* At the start of a process: counts critical sections (base/critical.h) from now on. */
void native_start(void);

/* What signals put off: `deliver` is called at the end of a thread's outermost critical section if
 * own_due or deferred is set by then. At the start of a process. */
void native_due(void (*deliver)(struct native *));

/* Leaves all sections at once: the thread goes on elsewhere, or from anew. */
void critical_end(void);

/* As critical_end() of the calling thread, whose native thread this is, without a look at portable memory. */
void critical_end_of(struct native *);

#endif
