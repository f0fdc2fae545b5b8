/* SPDX-License-Identifier: MIT */
/*
 * The carrier of whole programs: into a stream, and out of one. A checkpoint is a hop of all threads into a
 * file. popcorn/checkpoint.h has the format and how one is asked for.
 */
#ifndef CHECKPOINT_CHECKPOINT_H
#define CHECKPOINT_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

/* At the origin, before any thread of the program runs, and after signals_start(). `environment`: what says
 * when the program makes checkpoints of itself, or NULL. */
void checkpoint_start(char *const *environment);

/* In a signal handler: what the run time's own signal brought. False: it was no order for a checkpoint. */
bool checkpoint_asked(uint64_t value);

/*
 * At the origin: begins to write a checkpoint to the file of this name. 0 if that has begun; then *state, an
 * _Atomic int32_t of portable memory, will tell (popcorn/query.h), and is woken as a futex. -EAGAIN: another
 * is being made. Another negative errno: nothing has begun.
 */
long checkpoint_call(const char *path, void *state);

/* At the origin: a socketpair has been made, whose descriptors stand here in the program's memory. */
void checkpoint_socketpair(const int *fd);

/* At the origin: an inotify watches this path, in the program's memory, with this mask. */
void checkpoint_watched(const char *path, uint32_t mask);

/* At the origin: how far a timerfd's clock, as the program sees it, is ahead of the kernel's, in nanoseconds.
 */
int64_t checkpoint_timer_ahead(int fd);

/*
 * Does this process begin with a checkpoint? The command that made it says so by POPCORN_RESTART in the
 * environment: the numbers of two descriptors, the checkpoint, unpacked, and the program's file. Then it
 * reads it. False if it does not.
 */
bool checkpoint_enter(char **environment);

/* All that checkpoint_enter() has read goes on. Never returns. */
_Noreturn void checkpoint_go_on(char **environment);

#endif
