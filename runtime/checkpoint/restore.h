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
 * timers_restore.c. Each is checked and kept; all are made when the threads are there; and they run from
 * `realtime` on, the time of day when they were written, in nanoseconds.
 */
void restore_timer(const void *bytes, uint64_t size);
void restore_timers_make(void);
void restore_timers_run(int64_t realtime);

#endif
