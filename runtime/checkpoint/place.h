/* SPDX-License-Identifier: MIT */
/*
 * Where a checkpoint that the program makes of itself will lie: a file without its name yet, and locked, so
 * that whoever finds one that nobody has locked knows that its writer was killed.
 */
#ifndef CHECKPOINT_PLACE_H
#define CHECKPOINT_PLACE_H

#include "checkpoint/job.h"

/* Opens a folder for place_begin(), among the run time's own descriptors. Negative errno. */
int place_open_folder(const char *path);

/* Begins the job's file in a folder, with mode 0600. 0 or a negative errno. */
long place_begin(struct job *, int folder);

/* Gives it its name when it is on the disk. 0 or a negative errno. */
long place_keep(struct job *, int folder, const char *name);

/* Closes it; removes it if it has no name. */
void place_end(struct job *, int folder);

/* Is this the name of a file that place_begin() makes? */
bool place_is_temporary(const char *name);

/* Removes such a file if its writer was killed. */
void place_clear(int folder, const char *name);

/* Says on standard error what a job answers when there is no checkpoint. */
void place_tell(struct job *, enum checkpoint_answer_kind, long error, const char *text);

#endif
