/* SPDX-License-Identifier: MIT */
/* How the module's side of lib/migration asks its native side; included by both. */
#ifndef POPCORN_QUERY_H
#define POPCORN_QUERY_H

#include <stdint.h>

enum popcorn_node_question {
    POPCORN_NODE_COUNT,     /* number of nodes */
    POPCORN_NODE_CURRENT,   /* the calling thread's node */
    POPCORN_NODE_DESCRIBE,  /* fills struct popcorn_node_answer for node nid; 0 or -EINVAL */
    POPCORN_NODE_REQUESTED, /* the node that the calling thread was asked to go to, or -1 */
    POPCORN_NODE_TID,       /* the calling thread's id at the origin */
};

struct popcorn_node_answer {
    char isa[16];
    int32_t origin, available;
};

/* Answers a question. Negative errno if it cannot. Thread-safe; never migrates. */
long __popcorn_node(long question, long nid, void *answer);

/*
 * Migrates the calling thread to node nid; -1: is a migration point. 1: the thread has hopped; 0: it is there
 * already, or nothing asked for a hop; a negative errno: refused. Comes back on the other node.
 */
long __migrate_shim_internal(long nid);

/*
 * Begins to write a checkpoint to the file of this name. 0: that has begun; the thread then waits until
 * *state, a futex in portable memory, is no longer POPCORN_CHECKPOINT_WAITS, as a call that may be stopped
 * (POPCORN_CALL_MAY_STOP). -EAGAIN: another is being made; another negative errno: nothing has begun.
 */
long __popcorn_checkpoint(const char *path, void *state);

/* *state, an int32_t; other values are what popcorn_checkpoint() returns. */
#define POPCORN_CHECKPOINT_WAITS 0x7fffffff
#define POPCORN_CHECKPOINT_RESTARTED 1

/* Not zero while some thread has to look, at its migration points, whether it shall migrate. */
extern volatile char __popcorn_flag;

#endif
