/* SPDX-License-Identifier: MIT */
/*
 * How the processes of a program reach each other. There are two ways, chosen at the start for the program's
 * whole life: `local`, all on this machine, by futexes in the memory that they share; and `kernel`, on
 * several machines, by /dev/popcorn, whose module also keeps their memory coherent.
 */
#ifndef NODE_CARRIER_H
#define NODE_CARRIER_H

#include "node/mailbox.h"
#include "popcorn/backend.h"

struct carrier {
    struct popcorn_backend backend;

    /*
     * On a node.
     */
    /* struct home (base/home.h): call() */
    long (*call)(struct popcorn_thread *, long number, const long argument[6]);
    /* Makes the shadow look at the signal that it has posted last. */
    void (*tell_shadow)(struct popcorn_thread *);
    /* A thread has come: waits until everything that is stale now has been forgotten. */
    void (*settle)(void);
    /* The system calls under way, all but the outermost `keep`, are no more waited for. */
    void (*forget_calls)(struct popcorn_thread *, uint32_t keep);

    /*
     * At the origin.
     */
    /* On the thread's native thread: serves the thread until it comes home, and goes on with it. */
    void (*shadow)(struct popcorn_thread *);
    /* The same for a moment, while a signal's handler runs at the node: until there is something to look at
     * (the bell no longer shows `seen`), or the time is over. */
    void (*attend)(struct popcorn_thread *, struct mailbox_signal *, uint32_t seen, int64_t nanoseconds);
    /* Makes the thread look for a signal that has been posted to it. */
    void (*nudge)(struct popcorn_thread *);
    int64_t first_nudge; /* nanoseconds until that is repeated */
    /* Makes a thread that runs at a node call halt_here(). */
    void (*call_to_halt)(const struct popcorn_thread *);
    /* Waits until the node has forgotten what is stale (internal.h: struct node_room), or is gone. */
    void (*make_forget)(int nid);
    /* As in struct home. */
    void (*look)(void);
    void (*end)(void);
    int (*fork)(struct popcorn_thread *, int memory);
    void (*forked)(void);
    void (*thread_ends)(struct popcorn_thread *);

    /*
     * Anywhere: as in struct home.
     */
    bool (*lost)(uint64_t address);
};

extern const struct carrier local_carrier, kernel_carrier;

/* This process's. */
extern const struct carrier *node_carrier;

#endif
