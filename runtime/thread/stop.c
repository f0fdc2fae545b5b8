/* SPDX-License-Identifier: MIT */
/* Stops the other native threads of the origin's process for a moment, by the run time's own signal. */
#include <stdatomic.h>

#include "base/kernel.h"
#include "popcorn/control.h"
#include "thread/internal.h"
#include "thread/native.h"

#define PATIENCE 1000000000L /* nanoseconds */

static _Atomic uint32_t stopping; /* 1 while threads shall wait */
static _Atomic uint32_t stopped;  /* how many do */

void threads_stopped_here(void) {
    if (!atomic_load(&stopping))
        return;
    atomic_fetch_add(&stopped, 1);
    KERNEL(NR_futex, &stopped, FUTEX_WAKE, 1);
    while (atomic_load(&stopping))
        KERNEL(NR_futex, &stopping, FUTEX_WAIT, 1, 0);
    atomic_fetch_sub(&stopped, 1);
    KERNEL(NR_futex, &stopped, FUTEX_WAKE, 1);
}

static bool wait_until(uint32_t count) {
    int64_t end = kernel_nanoseconds() + PATIENCE;
    for (;;) {
        uint32_t now = atomic_load(&stopped);
        int64_t left = end - kernel_nanoseconds();
        if (now == count)
            return true;
        if (left <= 0)
            return false;
        struct kernel_time timeout = {left / 1000000000, left % 1000000000};
        KERNEL(NR_futex, &stopped, FUTEX_WAIT, now, &timeout);
    }
}

bool threads_stop_others(void) {
    uint32_t count = 0;
    struct native *self = native_self();
    long pid = KERNEL(NR_getpid);
    lock_take(&threads_list_lock);
    atomic_store(&stopping, 1);
    for (struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next)
        if (t != self->thread && KERNEL(NR_tgkill, pid, t->tid, POPCORN_MIGRATE_SIGNAL) == 0)
            count++;
    if (wait_until(count))
        return true;
    threads_release();
    return false;
}

void threads_release(void) {
    atomic_store(&stopping, 0);
    KERNEL(NR_futex, &stopping, FUTEX_WAKE, 0x7fffffff);
    wait_until(0);
    lock_release(&threads_list_lock);
}

void threads_forked(void) {
    atomic_store(&stopping, 0);
    atomic_store(&stopped, 0);
    lock_release(&threads_list_lock);
}
