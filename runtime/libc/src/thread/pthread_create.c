/* SPDX-License-Identifier: MIT */
/*
 * musl's, but that a thread which ends also leaves its heap, once the destructors of its keys have run, and
 * that its stack may be one that another thread has had.
 */
#define _GNU_SOURCE
#include "pthread_impl.h"
#include "stacks.h"
#include <string.h>
#include <sys/mman.h>

void __popcorn_heap_leave(void);

/* A stack with its guard. `top` bytes at its end, for what is the thread's own, are zero. */
static void *map_stack(size_t size, size_t guard, size_t top) {
    char *base = __popcorn_stack_take(size, guard);
    if (base) {
        memset(base + size - top, 0, top);
        return base;
    }
    base = __mmap(NULL, size, guard ? PROT_NONE : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (base == MAP_FAILED || !guard || !__mprotect(base + guard, size - guard, PROT_READ | PROT_WRITE))
        return base;
    __munmap(base, size);
    return MAP_FAILED;
}

/* musl's calls, where they stand. */
#define __pthread_tsd_run_dtors() (__pthread_tsd_run_dtors(), __popcorn_heap_leave())
#define __mmap(address, size, ...) map_stack(size, guard, libc.tls_size + __pthread_tsd_size)
#define __mprotect(...) 0 /* that is done */
#include "thread/pthread_create.c"

weak_alias(dummy_0, __popcorn_heap_leave);
