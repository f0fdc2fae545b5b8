/* SPDX-License-Identifier: MIT */
/*
 * Checkpoints that a program with children makes of itself: the `popcorn` command, which is looked for in
 * PATH, writes all of its processes.
 */
#ifndef CHECKPOINT_COMMAND_H
#define CHECKPOINT_COMMAND_H

#include <stdbool.h>

/* At the start: the command's environment. */
void command_start(char *const *environment);

/*
 * Has it write to a file of this name in a folder, and waits for that. With `stop` the program ends if that
 * is done. True if the command has been run, whatever has become of it; what failed it has said.
 */
bool command_write(int folder, const char *name, bool stop);

#endif
