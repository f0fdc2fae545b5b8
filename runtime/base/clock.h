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

/* The time as clock_gettime_here() has it, of CLOCK_REALTIME and CLOCK_MONOTONIC, in nanoseconds. */
#define CLOCK_STAMPS 2
void clock_stamp(int64_t stamp[CLOCK_STAMPS]);

/* A thread has come from another machine, where it was so late when it left: clock_gettime_here() is not
 * behind that from now on. `first`: nothing is known of the other machine yet. */
void clock_meet(const int64_t stamp[CLOCK_STAMPS], bool first);

#endif
