/* SPDX-License-Identifier: MIT */
/*
 * A running program and its descendants, seen from outside: who they are, and which files several of them
 * have open.
 */
#ifndef POPCORN_COMMAND_TREE_H
#define POPCORN_COMMAND_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "popcorn/checkpoint.h"

struct tree {
    uint32_t count; /* of processes: parents stand before their children */
    struct checkpoint_member member[CHECKPOINT_MEMBERS];
    char name[CHECKPOINT_MEMBERS][32];
};

/*
 * Finds them. What cannot come along is told, one line each on standard error; how many things those are is
 * the answer.
 */
int tree_find(struct tree *, pid_t first);

/* Do two have the same processes, which have ended or not? */
bool tree_is_same(const struct tree *, const struct tree *);

/* A memory file of a struct checkpoint_table for each process that has not ended; -1 for one that has. */
void tree_tables(const struct tree *, int table[CHECKPOINT_MEMBERS]);

#endif
