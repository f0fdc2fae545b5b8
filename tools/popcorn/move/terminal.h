/* SPDX-License-Identifier: MIT */
/* A terminal's modes and size, as they go to the other machine and come back. */
#ifndef POPCORN_COMMAND_TERMINAL_H
#define POPCORN_COMMAND_TERMINAL_H

#include <termios.h>

#include "move/move.h"

/* Of the terminal; false: it is none. */
bool terminal_read(int fd, struct move_terminal *);
bool terminal_window(int fd, struct move_window *);

/* Gives them to a terminal; its speed stays. */
void terminal_set(int fd, const struct move_terminal *);
void terminal_set_window(int fd, const struct move_window *);

/* Every byte goes through as it is: the terminal on the other machine does the rest. */
void terminal_set_raw(int fd);

#endif
