/* SPDX-License-Identifier: MIT */
/* What the files that make a process of a checkpoint share. */
#ifndef CHECKPOINT_RESTORE_H
#define CHECKPOINT_RESTORE_H

#include "checkpoint/internal.h"

/* restart.c: ends the process with one line: the checkpoint cannot go on here. `error`: 0 or a negative
 * errno. */
_Noreturn void restart_fail(const char *what, const char *more, long error);

/* restart.c: files that have changed are taken all the same. */
bool restart_forced(void);

/*
 * files_restore.c. First the process gives up the files that it was started with, but for standard input,
 * output and error, which wait for whoever had them; then each file is made, with its contents behind it; at
 * the end, with memory there, what refers to others.
 */
void restore_files_begin(void);
void restore_file(uint64_t where, const struct checkpoint_file *, const char *path);
void restore_contents(uint64_t where, const void *bytes, uint64_t size);
void restore_files_end(void);
/* Before a last word. */
void restore_standard_error(void);

/*
 * shared.c: one process of a tree. The command has made all of them; the file says how they reach each other.
 * False if it cannot be read.
 */
bool shared_begin(int family);
/* Is this process one of a tree, and the first of it? */
bool shared_is_member(void);
bool shared_is_first(void);
/* Of the file that comes next: other processes have it, too. */
void shared_next(const void *bytes, uint64_t size);
/* Has that been said? Then the file is this process's to make, or not. Forgets it. */
struct checkpoint_shared shared_take_next(void);
static inline bool shared_makes(const struct checkpoint_shared *s) {
    return s->holders && (uint32_t)__builtin_ctzl(s->holders) == s->self;
}
/* Gives what has been made to all others; `fd[1]` is -1, or the other end. */
void shared_give(const struct checkpoint_shared *, uint32_t kind, uint64_t other, const int fd[2]);
/* Waits until it comes: one end in fd[0], among the run time's own; the other, or -1, in fd[1]. */
void shared_receive(const struct checkpoint_shared *, uint32_t kind, int fd[2]);
/* The first of a tree, when it is ready: until all others are. The socket on which another one waits. */
void shared_await_others(void);
int shared_leave(void);
/* All may go on: the first says so to the others; who is who is known. */
void shared_go_on(void);
/* Before this process ends, having said why. */
void shared_fails(void);

/*
 * timers_restore.c. Each is checked and kept; all are made when the threads are there; and they run from
 * `realtime` on, the time of day when they were written, in nanoseconds.
 */
void restore_timer(const void *bytes, uint64_t size);
void restore_timers_make(void);
void restore_timers_run(int64_t realtime);

#endif
