/* SPDX-License-Identifier: MIT */
/* Calls that tell how much processor time the program has used, on all nodes. */
#ifndef SYSCALL_CPU_TIME_H
#define SYSCALL_CPU_TIME_H

#include <stdbool.h>

#include "base/kernel.h"
#include "popcorn/thread.h"

enum { CLOCK_OF_PROCESS = 2, CLOCK_OF_THREAD = 3 };

/* Is this one of the program's CPU clocks, and are there nodes? Then its time. In any process. */
bool cpu_time_clock(const struct popcorn_thread *, long clock, struct kernel_time *);

/* getrusage and times, at the origin. */
long cpu_time_getrusage(const struct popcorn_thread *, long who, long usage);
long cpu_time_times(long times);

#endif
