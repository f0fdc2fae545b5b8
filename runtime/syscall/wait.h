/* SPDX-License-Identifier: MIT */
/*
 * System calls that may wait. Each is made in this process, and again if only a signal of the run time's own
 * interrupted it, for the time that is left. A caller that can come to a migration point
 * (POPCORN_CALL_MAY_STOP) is sent there instead, by POPCORN_CALL_STOPPED, when somebody asks the thread to;
 * it then makes the call again.
 */
#ifndef SYSCALL_WAIT_H
#define SYSCALL_WAIT_H

#include <stdbool.h>
#include <stddef.h>

#include "thread/native.h"

/* The caller's next calls may be stopped, unless the thread is pinned. What may_stop was before. */
bool wait_may_stop(struct native *, const struct popcorn_thread *);

/* To be asked before a call is made whose number is as the caller gave it (POPCORN_CALL_AGAIN). Is it one
 * that is made again and that a handler of the program has ended meanwhile, which is -EINTR? What is then
 * left of a sleep has been stored; *result is -EINTR or -EFAULT. */
bool wait_has_ended(struct popcorn_thread *, long number, const long argument[6], long *result);

/* Any call; those with a time limit of their own or a signal mask have their own below. */
long wait_for_call(long number, const long argument[6]);

/* A call whose argument `at` is a signal mask of `size` bytes: it must not shut out the run time's own
 * signal. */
long wait_with_mask(long number, const long argument[6], int at, long size);

long wait_select(const long argument[6]);
long wait_epoll(const long argument[6]);
long wait_signal(const long argument[6]);
long wait_sleep(long number, const long argument[6]);
long wait_futex(const long argument[6]);

#endif
