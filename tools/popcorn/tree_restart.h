/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint of several processes becomes those. The command forks as they did, so that each is the child
 * of its parent again; then each process becomes its program, and waits until all are ready.
 */
#ifndef POPCORN_COMMAND_TREE_RESTART_H
#define POPCORN_COMMAND_TREE_RESTART_H

#include "checkpoint_file.h"
#include "restart.h"

struct restart_tree {
    uint32_t count; /* 0: one process, the first, that is no tree */
    struct checkpoint_member member[CHECKPOINT_MEMBERS];
    struct restart_checkpoint process[CHECKPOINT_MEMBERS]; /* of those that have not ended */
};

/*
 * Reads and checks what has been opened, whole; `live`: if it is of one process, as restart_read_process()
 * does. What is wrong ends the command with one line.
 */
void tree_read(const struct restart *, struct checkpoint_input *, bool live, struct restart_tree *);

/* The same, of which nothing is kept. */
void tree_skim(struct checkpoint_input *);

/* Finds the programs' files and their images of the ISA that all shall go on as. */
void tree_find_programs(const struct restart *, struct restart_tree *);

/* Becomes its first process, and makes the others. */
_Noreturn void tree_become(const struct restart *, const struct restart_tree *);

/* In a process that has made another one become it. */
void tree_close(const struct restart_tree *);

#endif
