/* SPDX-License-Identifier: MIT */
/*
 * The program's other processes, seen from the rest of the run time.
 */
#ifndef NODE_NODES_H
#define NODE_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "popcorn/migration.h"
#include "popcorn/thread.h"
#include "signal/signals.h"

/* Is this the origin's process? */
extern bool nodes_at_origin;

/* Are the nodes machines of their own? Then futexes and times of day are the origin's: the kernel's futexes
 * end at its machine, and tell pages of /dev/popcorn apart by process and address alone. */
extern bool nodes_machines;

/* At the origin: reads POPCORN_NODES and which images the executable has, fills the control block's list, and
 * sets the backend. 0, or -EINVAL with one line in `error`. */
int nodes_start(char **environment, char error[POPCORN_ERROR_SIZE]);

/* The list, once it has been read. */
const struct popcorn_node_list *nodes_list(void);

/* At the origin: makes what every node has mapped in a range of the arena be looked up anew. Waits for them.
 */
void nodes_forget(uint64_t address, size_t size);

/* A system call (or special request) of a thread that runs on this node: by its shadow at the origin. */
long nodes_call(struct popcorn_thread *, long number, const long argument[6]);

/* At the origin, before the program ends: lets the nodes' processes go and waits for that, not for long. */
void nodes_end(void);

/* At the origin, outside critical sections: a node's process may have died. Ends the program if a thread was
 * on it. */
void nodes_look(void);

/* At the origin, with the list of threads locked: makes all threads on nodes stand still until
 * nodes_release(). False if that failed within a second. */
bool nodes_halt(void);
void nodes_release(void);

/* In the child of a fork: there are no other processes. */
void nodes_forked(void);

/* At the origin, by the ending thread's native thread: lets its workers go and waits for them. */
void nodes_thread_ends(struct popcorn_thread *);

enum nodes_forwarding {
    NODES_HERE,      /* the thread runs here: so does its handler */
    NODES_FORWARDED, /* the handler has run at the node where the thread is */
    NODES_UNDER_WAY, /* the thread is hopping: try again when it has arrived */
};

/*
 * In a native signal handler at the origin: hands a signal that came to a thread's shadow to the thread, and
 * serves the handler's system calls until it returns. `mask` is the interrupted signal mask; the handler may
 * change it.
 */
enum nodes_forwarding nodes_forward_signal(struct popcorn_thread *, int sig, const struct signal_action *,
                                           const void *info, uint64_t *mask);

/* In a node's process, in any thread: runs the handler of a signal that the origin has handed over, if there
 * is one and the thread can. */
void nodes_take_signal(struct popcorn_thread *, struct interrupted *);

/* Processor time of the nodes' processes, in nanoseconds; in any process. The numbers are Linux's. */
enum cpu_time { CPU_TIME_ALL = 0, CPU_TIME_USER = 1, CPU_TIME_EXACT = 2 };
int64_t nodes_cpu_time(enum cpu_time, bool with_origin);

/* The same of a thread, wherever it has been, user and system. */
int64_t nodes_thread_cpu_time(const struct popcorn_thread *, bool with_origin);

/* Does the process begin as a node's? Then it never returns. */
void nodes_enter(int argc, char **argv);

/* At the origin: starts the main thread (_start_c(arguments)) on node 0, if that is not the origin. Returns
 * if it is, or if that is refused. */
void nodes_begin_elsewhere(void *arguments);

#endif
