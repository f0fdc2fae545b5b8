/* SPDX-License-Identifier: MIT */
/*
 * Threads of the program in the origin's process: each is one native thread from beginning to end; while the
 * thread runs elsewhere, that one is its shadow.
 */
#ifndef THREAD_THREADS_H
#define THREAD_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "popcorn/thread.h"

/*
 * What the floors above keep of every thread of the program; each function may be NULL. All are called at the
 * origin, in the order in which the keepers were entered.
 */
struct threads_keeper {
    void (*begin)(struct popcorn_thread *);  /* before it runs, by its maker; the first thread is its own */
    void (*end)(struct popcorn_thread *);    /* it passes no more points and makes no more calls */
    void (*forked)(struct popcorn_thread *); /* in the child of fork, by its only thread */
    void (*program_ends)(
        struct popcorn_thread *); /* once, by the thread that ends the program; may be NULL */
    struct threads_keeper *next;  /* threads_kept_by()'s */
};

/* Enters a keeper, for the process's whole life. At the start of a process. */
void threads_kept_by(struct threads_keeper *);

/* Makes the calling native thread the program's first thread: room, native stack, data stack, boot TCB.
 * 0 or a negative errno. */
int threads_start(void);

/*
 * musl's __clone, carried out by the calling native thread: a new thread (CLONE_THREAD), or a vfork child
 * that borrows the caller's memory. Other kinds are -EINVAL. The tid or pid, or a negative errno.
 */
long threads_clone(int (*fn)(void *), void *stack, unsigned long flags, void *arg, int *ptid, void *tls,
                   int *ctid);

/*
 * In a process that begins with a checkpoint's threads in memory. First each gets a native stack here;
 * -E_NOMEM. Then each but the caller's begins with run(its struct native), and the caller's own is told that
 * it has: a tid, or a negative errno.
 */
int threads_restore(struct popcorn_thread *, bool main_thread);
long threads_restart(struct popcorn_thread *, int (*run)(void *));
void threads_adopt(struct popcorn_thread *);

/* Ends the calling thread: unmaps `size` bytes of portable memory at `base` if there are any, gives back what
 * the thread has, and lets the native thread go. */
_Noreturn void threads_exit(void *base, uint64_t size, int status);

/* fork() by the calling native thread, with memory of its own for the child. */
long threads_fork(void);

/* Ends the program: statistics, nodes, exit_group(). In a vfork child: ends that alone. */
_Noreturn void threads_exit_group(int status);

/*
 * Stops all other native threads of this process, in a signal handler, until threads_release(). False if that
 * failed (everything is released then).
 */
bool threads_stop_others(void);
void threads_release(void);

/* In the child of a fork that threads_stop_others() began: there are no others to release. */
void threads_forked(void);

/* In the handler of the run time's signal: waits if the threads are being stopped. */
void threads_stopped_here(void);

/* Over the control block's list of threads, at the origin. */
void threads_lock(void);
void threads_unlock(void);

#endif
