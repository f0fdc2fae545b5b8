/* SPDX-License-Identifier: MIT */
/* Running popcorn programs, seen from outside. */
#ifndef POPCORN_COMMAND_PROCESS_H
#define POPCORN_COMMAND_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "popcorn/control.h"

/* Reads the control block of a process. False if it is no popcorn program's origin, or may not be looked at.
 */
bool process_read(pid_t pid, struct popcorn_control *control);

/* Is it gone, or a zombie? */
bool process_has_ended(pid_t pid);

/*
 * Is it a popcorn program's origin? Where this machine's rules keep other processes' memory from being read
 * (Yama's ptrace_scope), by all else that shows: the answer may be true for the process of a node.
 */
bool process_is_program(pid_t pid);

/* Ends the command with a line that says why a process that is not to be read is none. */
_Noreturn void process_refuse(pid_t pid);

/* Calls visit(thread, data) for a copy of each thread of the program that `control` was read from. */
void process_each_thread(const struct popcorn_control *control,
                         void (*visit)(const struct popcorn_thread *, void *data), void *data);

/* A node's name: its machine's, else its ISA; "?" if there is no such node. */
const char *process_node_name(const struct popcorn_control *control, int node);

#endif
