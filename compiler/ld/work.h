/* SPDX-License-Identifier: MIT */
/*
 * The folder of intermediate files and the programs that are run in it. The folder disappears however
 * popcorn-ld ends, by a signal too; programs still running are ended with it.
 */
#ifndef POPCORN_LD_WORK_H
#define POPCORN_LD_WORK_H

#include <stdbool.h>

#include "arguments.h"

/* Makes the folder: `keep` (made if need be, left behind) or, if null, a temporary one. */
void work_begin(const char *keep);
void work_end(void);

/* A new string: the path of a file in the folder. */
const char *work_file(const char *name);

/* A file that is removed as well, unless work_keep() is called. One at a time. */
void work_remove_later(const char *path);
void work_keep(void);

/* Writes a file; ends the program if that fails. */
void work_write(const char *path, const void *bytes, size_t size);

/*
 * Starts a program (argv[0] is searched in PATH). Its standard output and errors go to the files of these
 * names, or if null, where those of popcorn-ld go. Returns its number.
 */
int work_start(const struct list *argv, const char *output, const char *errors);

/* Waits for any program; its number, and whether it succeeded. -1 if none runs. */
int work_wait(bool *good);

/* Runs one program to its end. True if it succeeded. */
bool work_run(const struct list *argv, const char *output, const char *errors);

/* Ends popcorn-ld if a signal asked for it; called by all that waits or takes long. */
void work_check(void);

/* "popcorn-ld: …", if progress is to be shown: on a terminal, with -v or POPCORN_LD_VERBOSE. */
void progress_begin(bool verbose);
__attribute__((format(printf, 1, 2))) void progress(const char *format, ...);

/*
 * --popcorn-time: prints a line for each program that ran to standard error, with its seconds by the clock
 * and of processors and the most memory it had. Steps may have run side by side.
 */
void work_print_times(void);

#endif
