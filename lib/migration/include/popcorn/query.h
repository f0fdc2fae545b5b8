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

/* Not zero while some thread has to look, at its migration points, whether it shall migrate. */
extern volatile char __popcorn_flag;

#endif
