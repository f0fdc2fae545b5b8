/* SPDX-License-Identifier: MIT */
/*
 * All processes of a tree are asked for their checkpoints. They take each step together, so that what is
 * written is one moment: when the first begins to write what it has open, the threads of all stand still.
 */
#ifndef POPCORN_COMMAND_TREE_ASK_H
#define POPCORN_COMMAND_TREE_ASK_H

#include "ask.h"
#include "tree.h"

/*
 * Writes the tree to `output`, by way of files without names in `folder`, or, if that is NULL, among
 * temporary ones. If it cannot be written, the command ends with one line, and all go on.
 */
void tree_write(const struct tree *, uint32_t flags, const char *folder, int output, int level);

/* Behind it: the word for all of them, enum checkpoint_word; the first gets it when the others have ended. */
void tree_end(char word);

/* Or, if the first is to get another: that one, and the ids of the others, parents before their children. */
const struct asked *tree_first(void);
uint32_t tree_others(int32_t id[CHECKPOINT_MEMBERS]);

#endif
