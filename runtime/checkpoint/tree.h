/* SPDX-License-Identifier: MIT */
/*
 * A process that is written as one of a tree: what the command that writes all of them has found out about
 * their files (popcorn/checkpoint.h, struct checkpoint_table).
 */
#ifndef CHECKPOINT_TREE_H
#define CHECKPOINT_TREE_H

#include "checkpoint/files.h"

/* Takes what comes in this file, in the place of what is known. False if it cannot be read. */
bool tree_take(int file);

/* Forgets it: the process is written alone. */
void tree_forget(void);

/* Is this process written as one of a tree? */
bool tree_is_there(void);

/* The first process's standard input, output or error that is the same file, or -1; or that is the same open
 * file. */
int tree_standard(const struct open_file *);
int tree_same_standard(const struct open_file *);

/* Are two descriptors of this process one open file? Another process may use it, too: nothing of it is
 * touched to find out. */
bool tree_is_same_file(const struct open_file *, const struct open_file *);

/* Do the processes of the tree have both ends of the pipe, or this socket? */
bool tree_has_pipe(const struct open_file *);
bool tree_has_socket(uint64_t inode);

/* Finds out who else has a file open, whose kind is known. */
void tree_find_holders(struct open_file *);

static inline bool tree_is_shared(const struct open_file *f) {
    return f->shared.holders;
}

/* Is it this process that writes the contents? */
bool tree_writes_contents(const struct open_file *);

/* Children that have ended. */
void tree_write_children(struct stream *);

#endif
