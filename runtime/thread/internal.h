/* SPDX-License-Identifier: MIT */
/* What the files of thread/ share. */
#ifndef THREAD_INTERNAL_H
#define THREAD_INTERNAL_H

#include "base/lock.h"
#include "popcorn/thread.h"
#include "thread/threads.h"

/* Call the keepers' functions of these names. */
void threads_tell_begin(struct popcorn_thread *);
void threads_tell_end(struct popcorn_thread *);
void threads_tell_forked(struct popcorn_thread *);
void threads_tell_program_ends(struct popcorn_thread *);

/* Where the thread's data stack pointer is kept. */
uint64_t *threads_data_stack(struct popcorn_thread *);

/* stop.c: the calling thread stands still from here on, as native->waiting says, until that is taken back. */
struct native;
void threads_wait_begins(struct native *);

/* Enters a thread in the list, and takes it out. The lock is the caller's. */
void threads_enter(struct popcorn_thread *);
void threads_leave(struct popcorn_thread *);

#endif
