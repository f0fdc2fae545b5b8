/* SPDX-License-Identifier: MIT */
/*
 * System calls of the program: which of them the run time does itself, which run where the thread is, and
 * which run at the origin.
 */
#ifndef SYSCALL_SYSCALL_H
#define SYSCALL_SYSCALL_H

#include "base/kernel.h"
#include "popcorn/thread.h"

/* The module's way in: numbers, flags and structs of the common ABI; the kernel's result. */
long __popcorn_syscall(long number, long a, long b, long c, long d, long e, long f);

/* A system call of the program at the origin, by its native thread there (the thread itself, or its shadow).
 */
long syscall_at_origin(struct popcorn_thread *, long number, const long argument[6]);

#endif
