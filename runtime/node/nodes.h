/* SPDX-License-Identifier: MIT */
/*
 * The program's other processes, seen from the rest of the run time.
 */
#ifndef NODE_NODES_H
#define NODE_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "popcorn/migration.h"
#include "popcorn/thread.h"

/* Carries out a system call of a thread that is elsewhere, or one of enum home_special: set before anything
 * else by the floor above, which knows how. */
extern long (*nodes_system_call)(struct popcorn_thread *, long number, const long argument[6]);

/* At the origin: reads POPCORN_NODES and which images the executable has, fills the control block's list, and
 * sets the backend. 0, or -EINVAL with one line in `error`. */
int nodes_start(char **environment, char error[POPCORN_ERROR_SIZE]);

/* The same in a process that begins with a checkpoint's memory: the list is that of its control block, and
 * this process the first node of its ISA. Ends the process with one line if there is none. */
void nodes_restored(char **environment);

/* The list, once it has been read. */
const struct popcorn_node_list *nodes_list(void);

/* At the origin: how many mappings of this System V segment the nodes' processes have. */
uint64_t nodes_attached(int id);

/* Processor time of the nodes' processes, in nanoseconds; in any process. The numbers are Linux's. */
enum cpu_time { CPU_TIME_ALL = 0, CPU_TIME_USER = 1, CPU_TIME_EXACT = 2 };
int64_t nodes_cpu_time(enum cpu_time, bool with_origin);

/* The same of a thread, wherever it has been, user and system. */
int64_t nodes_thread_cpu_time(const struct popcorn_thread *, bool with_origin);

/* Does the process begin as a node's? Then it never returns. */
void nodes_enter(int argc, char **argv);

/* At the origin: starts the main thread (_start_c(arguments)) on node 0, if that is not the origin. Returns
 * if it is, or if that is refused. */
void nodes_begin_elsewhere(void *arguments);

#endif
