/* SPDX-License-Identifier: MIT */
/* musl's, but that the stack is kept for another thread. */
#define _GNU_SOURCE
#include "pthread_impl.h"
#include "stacks.h"

#define __munmap(base, size) __popcorn_stack_give(base, size, t->guard_size)
#include "thread/pthread_join.c"
