/* SPDX-License-Identifier: MIT */
/*
 * The line between deciding that a thread hops (lib/migration), and carrying it there (a backend), with what
 * both ask of the run time. Native code only.
 *
 * A hop, in order:
 *   1. lib/migration captures the thread: its chain is in portable memory, thread->outermost points to it.
 *   2. It calls backend->send(thread, nid, reason). The backend makes a process of node nid take the thread
 *      over; there, on the native thread that shall run it, with the machine's thread pointer set to
 *      thread->tcb, the backend sets thread->node and calls stack_rebuild(thread) (popcorn/stack.h), which
 *      never returns.
 *   3. At the sender, send() returns only if the hop is refused: then the thread simply goes on.
 * A hop to the node where the thread already is never reaches the backend.
 */
#ifndef POPCORN_BACKEND_H
#define POPCORN_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/message.h"
#include "memory/portable.h"
#include "popcorn/thread.h"

#define POPCORN_MAX_NODES 32
#define POPCORN_REASON_SIZE 160 /* bytes of a refusal's reason, with its NUL */

struct popcorn_node {
    char isa[16];   /* "x86_64", "aarch64", "riscv64" */
    bool origin;    /* the process that the user started */
    bool available; /* a hop there may be tried: its image is in the file, and it has not failed lately */
};

/* All functions may be called from every thread of every process of the program, at the same time. */
struct popcorn_backend {
    const char *name;

    /* Number of nodes, at least 1 and at most POPCORN_MAX_NODES; the same for the program's whole life. */
    int (*count)(void);

    /* Describes node nid. 0, or -EINVAL if there is none. */
    int (*info)(int nid, struct popcorn_node *out);

    /*
     * Sends the calling thread, captured, to another node. Does not come back on success. A refusal returns a
     * negative errno with a reason in `reason` (a short clause without a final full stop, e.g. "qemu-riscv64
     * is not installed"; one per cause, since refusals are counted by reason); the thread is then as before.
     */
    int (*send)(struct popcorn_thread *, int nid, char reason[POPCORN_REASON_SIZE]);
};

/* The backend of this process. Set by its carrier before any thread of the program runs. */
extern const struct popcorn_backend *popcorn_backend;

/*
 * What the run time provides (runtime/).
 */

/* The native stack that the thread has in this process: [low, high). {0, 0} if it has none. */
struct popcorn_native_stack {
    uintptr_t low, high;
};
struct popcorn_native_stack popcorn_native_stack(const struct popcorn_thread *);

/*
 * The program comes into the run time with work that needs some native stack: if that is nearly at an end,
 * the program meets it here, as a fault, before anything has been done.
 */
void popcorn_require_room(const struct popcorn_thread *);

/* The nodes of POPCORN_NODES by number; the node of this process. */
int popcorn_this_node(void);

#endif
