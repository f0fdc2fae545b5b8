/* SPDX-License-Identifier: MIT */
/*
 * The run time's own descriptors in the origin's process. They have high numbers, close on exec, and the
 * program cannot close or replace them.
 */
#ifndef BASE_DESCRIPTORS_H
#define BASE_DESCRIPTORS_H

#include <stdbool.h>

/* Chooses where the numbers begin, by the limit of open files. Before there is any. */
void descriptors_start(void);

/* Moves a descriptor among the run time's own; the old number is closed. The new one, or a negative errno (a
 * negative `fd` is handed through). Thread-safe. */
int descriptors_keep(int fd);

/* A descriptor of the same file that stands for its path alone: closing it releases none of the program's
 * record locks. Negative if there is none. */
int descriptors_keep_path(int fd);

/* Closes one of them; a negative one is none. */
void descriptors_drop(int fd);

bool descriptors_own(int fd);

/* System calls of the program that close descriptors or replace them. */
long descriptors_close(int fd);
long descriptors_dup3(int fd, int to, int flags);
long descriptors_close_range(unsigned first, unsigned last, unsigned flags);

#endif
