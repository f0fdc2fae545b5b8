/* SPDX-License-Identifier: MIT */
/*
 * Migration as a program sees it. Linked by default: include this and call.
 *
 * A program built by popcorn-clang runs on a list of nodes, numbered from 0 (POPCORN_NODES; node 0 is where
 * it starts). Each of its threads is on one node at a time. A thread migrates by its own wish (migrate), or
 * at a migration point because of a rule (POPCORN_MIGRATE) or a request from outside (`popcorn migrate`);
 * points stand in loops and recursion by themselves, check_migrate() adds one.
 *
 * Names and meaning are those of Popcorn Linux's lib/migration, but that nothing here ends the process: what
 * cannot be done returns a negative errno and the thread goes on where it is. All functions are thread-safe.
 * Those that may migrate return -EBUSY in a signal handler; they are not async-signal-safe otherwise.
 */
#ifndef POPCORN_MIGRATE_H
#define POPCORN_MIGRATE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAX_POPCORN_NODES 32

enum arch { ARCH_UNKNOWN = -1, ARCH_AARCH64 = 0, ARCH_X86_64, ARCH_POWERPC64, ARCH_RISCV64, NUM_ARCHES };

/*
 * Moves the calling thread to node `nid`. On arrival `callback(data)` is called there, if callback is not
 * NULL, as ordinary code of the program; then migrate() returns. If the thread is on that node already,
 * nothing happens and the callback is not called. Returns 0 or a negative errno: -EINVAL there is no such
 * node, -ENODEV the node is not available, -EBUSY the thread cannot migrate now, another error if the hop
 * failed on its way.
 */
int migrate(int nid, void (*callback)(void *), void *data);

/*
 * A migration point: migrates if a rule or a request wants it, and then calls `callback(data)` on arrival, if
 * callback is not NULL. Costs a load and a branch while nothing is asked for.
 * Returns 0, also if no hop was wanted, or the negative errno of a refused hop.
 */
int check_migrate(void (*callback)(void *), void *data);

/*
 * Moves the calling thread to the node that the thread schedule names for thread number `popcorn_tid` (the
 * program's own count, from 0) in region `region` of the program; then as migrate().
 *
 * The schedule is the file named by the environment variable POPCORN_THREAD_SCHEDULE, else
 * thread-schedule.txt in the working directory, read at the first call. Each of its lines is `REGION N NODE0
 * … NODEn-1`: the nodes of the threads 0 to N-1 in that region; region -1 stands for all regions that have no
 * line. A thread that the schedule does not name, or any thread without a schedule, goes to the origin.
 * Returns as migrate(); -EINVAL also if the file is not of that form, -ENOENT if POPCORN_THREAD_SCHEDULE
 * names no readable file, -ENOMEM.
 */
int migrate_schedule(size_t region, int popcorn_tid, void (*callback)(void *), void *data);

/*
 * Writes the whole program to a checkpoint, the file of this name, as `popcorn checkpoint` does; `popcorn
 * restart` lets it go on. The file, of mode 0600, is there whole or not at all, and replaces an older one.
 * All threads stand still for it.
 *
 * Returns 0 in the program that has written it, 1 in a program that goes on from it. A negative errno if
 * there is no checkpoint, and a line on standard error says why, but for -EBUSY: the thread is in a signal
 * handler or a vfork child. -EOPNOTSUPP: something cannot come along. While another checkpoint is being made,
 * it waits for that.
 */
int popcorn_checkpoint(const char *path);

/* The node on which the calling thread runs. */
int current_nid(void);

/* The instruction set of that node. */
enum arch current_arch(void);

/* 1 if there is a node `nid` and it may be migrated to, 0 if not. */
int node_available(int nid);

struct popcorn_node_status {
    unsigned int status; /* 1: may be migrated to; 0: not, or no such node */
    int arch;            /* enum arch */
    int distance;        /* 0: the calling thread's node, 1: another, -1: no such node */
};

/*
 * Writes the number of the origin's node (that of the process the user started) to *origin and describes all
 * MAX_POPCORN_NODES nodes. 0, or -EINVAL if a pointer is NULL.
 */
int popcorn_getnodeinfo(int *origin, struct popcorn_node_status status[MAX_POPCORN_NODES]);

struct popcorn_thread_status {
    int current_nid;  /* the calling thread's node */
    int proposed_nid; /* where it was asked to go from outside, or -1 */
    int peer_nid;     /* away from the origin: the origin, where its shadow waits; at the origin: -1 */
    int peer_pid;     /* away from the origin: the thread's id there; at the origin: -1 */
};

/* Describes the calling thread. 0, or -EINVAL if status is NULL. */
int popcorn_getthreadinfo(struct popcorn_thread_status *status);

/* Popcorn's other name of current_nid(). */
int popcorn_getnid(void);

#ifdef __cplusplus
}
#endif

#endif
