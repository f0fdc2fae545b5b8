/* SPDX-License-Identifier: MIT */
/* The numbered checkpoints of a folder, checkpoint-0000000001 and so on. Others may be able to write to the
 * folder, too. */
#ifndef CHECKPOINT_NUMBERED_H
#define CHECKPOINT_NUMBERED_H

#include <stddef.h>
#include <stdint.h>

#define NUMBERED_NAME 32

/* The name of the next one: a free one, above the others. 0 or a negative errno. */
long numbered_next(int folder, char name[NUMBERED_NAME]);

/* Removes what killed programs and commands have left of those that were not whole yet. */
void numbered_clear(int folder);

/* Removes all but the `keep` newest of those that are whosever this one is. */
void numbered_remove_older(int folder, const char *newest, uint32_t keep);

#endif
