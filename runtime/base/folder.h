/* SPDX-License-Identifier: MIT */
/* The entries of a folder, without libc. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

/*
 * Calls visit() with the name of each entry of an open folder, "." and ".." too, from its beginning. 0, or a
 * negative errno when it cannot be read any further. Needs 4 KiB of stack.
 */
long folder_each(int folder, void (*visit)(const char *name, void *state), void *state);

#endif
