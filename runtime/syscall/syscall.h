/* SPDX-License-Identifier: MIT */
/*
 * System calls of the program: which of them the run time does itself, which run where the thread is, and
 * which run at the origin.
 */
#ifndef SYSCALL_SYSCALL_H
#define SYSCALL_SYSCALL_H

#include "popcorn/thread.h"
#include "syscall/kernel.h"

/* The module's way in: numbers, flags and structs of the common ABI; the kernel's result. */
long __popcorn_syscall(long number, long a, long b, long c, long d, long e, long f);

/* A system call of the program at the origin, by its native thread there (the thread itself, or its shadow).
 */
long syscall_at_origin(struct popcorn_thread *, long number, const long argument[6]);

/* Makes the system call in this process, again if only a signal of the run time's own interrupted it. */
long syscall_restartable(long number, const long argument[6]);

/* clock_gettime by the vDSO if this process has one. `auxv` is the kernel's. */
void clock_start(const unsigned long *auxv);
long clock_gettime_here(long clock, struct kernel_time *);

/* CLOCK_MONOTONIC of clock_gettime_here() in nanoseconds: for times that another machine may look at. */
int64_t clock_nanoseconds(void);

/* The time as clock_gettime_here() has it, of CLOCK_REALTIME and CLOCK_MONOTONIC, in nanoseconds. */
#define CLOCK_STAMPS 2
void clock_stamp(int64_t stamp[CLOCK_STAMPS]);

/* A thread has come from another machine, where it was so late when it left: clock_gettime_here() is not
 * behind that from now on. `first`: nothing is known of the other machine yet. */
void clock_meet(const int64_t stamp[CLOCK_STAMPS], bool first);

#endif
