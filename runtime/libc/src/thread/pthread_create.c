/* SPDX-License-Identifier: MIT */
/* musl's, but that a thread which ends also leaves its heap, once the destructors of its keys have run. */
#define _GNU_SOURCE
#include "pthread_impl.h"

void __popcorn_heap_leave(void);

#define __pthread_tsd_run_dtors() (__pthread_tsd_run_dtors(), __popcorn_heap_leave())
#include "thread/pthread_create.c"

weak_alias(dummy_0, __popcorn_heap_leave);
