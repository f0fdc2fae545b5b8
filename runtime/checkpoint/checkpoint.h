/* SPDX-License-Identifier: MIT */
/*
 * The carrier of whole programs: into a stream, and out of one. A checkpoint is a hop of all threads into a
 * file. popcorn/checkpoint.h has the format and how one is asked for.
 */
#ifndef CHECKPOINT_CHECKPOINT_H
#define CHECKPOINT_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

/* At the origin, before any thread of the program runs, and after signals_start(). */
void checkpoint_start(char *const *environment);

/* In a signal handler: what the run time's own signal brought. False: it was no order for a checkpoint. */
bool checkpoint_asked(uint64_t value);

/*
 * Does this process begin with a checkpoint? The command that made it says so by POPCORN_RESTART in the
 * environment: the numbers of two descriptors, the checkpoint, unpacked, and the program's file. Then it
 * reads it. False if it does not.
 */
bool checkpoint_enter(char **environment);

/* All that checkpoint_enter() has read goes on. Never returns. */
_Noreturn void checkpoint_go_on(char **environment);

#endif
