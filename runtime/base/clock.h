/* SPDX-License-Identifier: MIT */
/* The time of day and CLOCK_MONOTONIC, as the program sees them on whatever machine. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>

#include "base/kernel.h"

/* clock_gettime by the vDSO if this process has one. `auxv` is the kernel's. */
void clock_start(const unsigned long *auxv);
long clock_gettime_here(long clock, struct kernel_time *);

/* CLOCK_MONOTONIC of clock_gettime_here() in nanoseconds: for times that another machine may look at. */
int64_t clock_nanoseconds(void);

/* How far clock_gettime_here() is ahead of this machine's clock, in nanoseconds. */
int64_t clock_ahead(long clock);

/* Nanoseconds as a time, and back: a time that no clock reaches is as none. Is it one at all? */
struct kernel_time clock_time_of(int64_t nanoseconds);
int64_t clock_nanoseconds_of(const struct kernel_time *);
bool clock_is_time(const struct kernel_time *);

/* Makes a time of a clock that is so far ahead of this machine's one of the machine's. 0 stays 0, as it says
 * "never" to a timer, and nothing else becomes 0; what is no time stays, for the kernel to say no. */
void clock_take_back(struct kernel_time *, int64_t ahead);

/* The time as clock_gettime_here() has it, of CLOCK_REALTIME and CLOCK_MONOTONIC, in nanoseconds. */
#define CLOCK_STAMPS 2
void clock_stamp(int64_t stamp[CLOCK_STAMPS]);

/* A thread has come from another machine, where it was so late when it left: clock_gettime_here() is not
 * behind that from now on. `first`: nothing is known of the other machine yet. */
void clock_meet(const int64_t stamp[CLOCK_STAMPS], bool first);

#endif
