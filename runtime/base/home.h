/* SPDX-License-Identifier: MIT */
/*
 * Is this process the program's home, and if not, who does for me what only the home can? The home is the
 * origin's process: it has the program's pid, its files and its signals. Whoever needs to know stands below
 * the carriers that connect the program's processes (node/), and knows no more of them than this.
 */
#ifndef BASE_HOME_H
#define BASE_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "popcorn/thread.h"

struct signal_action;
struct interrupted;

/* Is this process the home? */
extern bool home_here;

/* Are other processes on machines of their own? Then futexes and times of day are the home's: the kernel's
 * futexes end at its machine, and tell pages of /dev/popcorn apart by process and address alone. */
extern bool home_machines;

/* What a thread away from home asks for that is no system call of Linux, by numbers beyond those. */
enum home_special {
    HOME_CLONE = 100000, /* fn, stack, flags, arg, block of the other three arguments */
    HOME_UNMAP_SELF,     /* base, size */
    HOME_FORK,           /* nothing */
    HOME_FAULT,          /* signal that ends the program */
    HOME_FAULT_BEGINS,   /* signal that the program handles: the answer is the mask that it interrupts */
    HOME_FAULT_ENDS,     /* the mask to go back to */
    HOME_CHECKPOINT,     /* path, where the result belongs */
    HOME_SPECIALS,       /* from here on, a carrier's own */
};

enum home_forwarding {
    HOME_RUN_HERE,  /* the thread runs here: so does its handler */
    HOME_FORWARDED, /* the handler has run where the thread is */
    HOME_UNDER_WAY, /* the thread is hopping: try again when it has arrived */
};

struct home {
    /*
     * Away from home.
     */
    /* A system call, or a special one, of the calling thread: made at home by its shadow. */
    long (*call)(struct popcorn_thread *, long number, const long argument[6]);
    /* In any thread: runs the handler of a signal that home has handed over, if there is one and the thread
     * can. */
    void (*take_signal)(struct popcorn_thread *, struct interrupted *);

    /*
     * At home.
     */
    /* Before the program ends: lets the other processes go and waits for that, not for long. */
    void (*end)(void);
    /* Makes what the others have mapped in a range of the arena be looked up anew. Waits for them; `all`:
     * also for those that no thread is in. */
    void (*forget)(uint64_t address, size_t size, bool all);
    /* Outside critical sections: another process may have died. Ends the program if a thread was on it. */
    void (*look)(void);
    /* In a signal handler of a thread's native thread: the thread is asked to come to a migration point; if
     * it is elsewhere, and waits there, it is woken. */
    void (*wake)(struct popcorn_thread *);
    /* With the list of threads locked: makes all threads that are elsewhere stand still until release().
     * False if that failed. */
    bool (*halt)(void);
    void (*release)(void);
    /* Is the thread elsewhere? */
    bool (*away)(const struct popcorn_thread *);
    /*
     * By a thread's native thread before it forks, while all others stand still: the thread is elsewhere and
     * stays there. Its process there forks, so that the child has one, too, in `memory`, a copy of the memory
     * file. 0, or a negative errno; -EAGAIN where that is impossible.
     */
    int (*fork)(struct popcorn_thread *, int memory);
    /* In the parent, after it. */
    void (*fork_end)(void);
    /* In the child of a fork: there are no other processes, but for the one that fork() has made. */
    void (*forked)(void);
    /* By the ending thread's native thread: lets go whoever has served it elsewhere, and waits for that. */
    void (*thread_ends)(struct popcorn_thread *);
    /*
     * In a native signal handler: hands a signal that came to a thread's shadow to the thread, and serves the
     * handler's system calls until it returns. `mask` is the interrupted signal mask; the handler may change
     * it.
     */
    enum home_forwarding (*forward_signal)(struct popcorn_thread *, int sig, const struct signal_action *,
                                           const void *info, uint64_t *mask);

    /* Anywhere, in a handler: there is no page at the address. Is it lost with the machine that had it? Then
     * anything of the program's may be, its threads' blocks too. */
    bool (*lost)(uint64_t address);

    /* Anywhere, by longjmp: thread->pinned becomes `pinned`, which it was at setjmp; handlers that are left
     * by this end. */
    void (*unpin)(struct popcorn_thread *, int pinned);
};

/* Never NULL: until a carrier sets it, this process is alone, and at home. */
extern const struct home *home;

#endif
