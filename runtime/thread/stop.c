/* SPDX-License-Identifier: MIT */
/*
 * Stops the other native threads of the origin's process for a moment, by the run time's own signal. A thread
 * that waits for the list's lock, or for its vfork child, stands still already: it cannot go on before the
 * lock is released, or not without taking the signal first.
 */
#include <stdatomic.h>

#include "base/critical.h"
#include "base/kernel.h"
#include "base/own_signal.h"
#include "popcorn/control.h"
#include "thread/internal.h"
#include "thread/native.h"

#define PATIENCE 10000000000L /* nanoseconds */

static struct popcorn_lock list_lock;

static _Atomic uint32_t stopping; /* not zero while threads shall stand still: the how manieth time it is */
static _Atomic uint32_t arrived;  /* counts threads that have come to do so */
static uint32_t times;

static void tell_arrived(void) {
    atomic_fetch_add(&arrived, 1);
    KERNEL(NR_futex, &arrived, FUTEX_WAKE, 1);
}

void threads_wait_begins(struct native *native) {
    atomic_store(&native->waiting, true);
    if (atomic_load(&stopping))
        tell_arrived();
}

void threads_lock(void) {
    struct native *native = native_self();
    critical_enter(); /* a handler could leave by longjmp, and the thread would seem to wait for ever */
    if (native)
        threads_wait_begins(native);
    lock_take(&list_lock);
    if (native)
        atomic_store(&native->waiting, false);
    critical_leave();
}

void threads_unlock(void) {
    lock_release(&list_lock);
}

void threads_stopped_here(void) {
    struct native *native = native_self();
    for (uint32_t now; (now = atomic_load(&stopping));) {
        atomic_store(&native->stopped, now);
        tell_arrived();
        KERNEL(NR_futex, &stopping, FUTEX_WAIT, now, 0);
    }
}

static bool all_stand_still(const struct popcorn_thread *self) {
    for (const struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next) {
        const struct native *native = t->native[native_node];
        if (t != self && !atomic_load(&native->waiting) && atomic_load(&native->stopped) != times)
            return false;
    }
    return true;
}

static bool wait_for_others(const struct popcorn_thread *self) {
    int64_t end = kernel_nanoseconds() + PATIENCE;
    for (;;) {
        uint32_t seen = atomic_load(&arrived);
        int64_t left = end - kernel_nanoseconds();
        if (all_stand_still(self))
            return true;
        if (left <= 0)
            return false;
        struct kernel_time timeout = {left / 1000000000, left % 1000000000};
        KERNEL(NR_futex, &arrived, FUTEX_WAIT, seen, &timeout);
    }
}

bool threads_stop_others(void) {
    struct native *self = native_self();
    long pid = KERNEL(NR_getpid);
    threads_lock();
    times += times == UINT32_MAX ? 2 : 1;
    atomic_store(&stopping, times);
    for (struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next)
        if (t != self->thread)
            KERNEL(NR_tgkill, pid, t->kernel_tid, own_signal);
    if (wait_for_others(self->thread))
        return true;
    threads_release();
    return false;
}

void threads_release(void) {
    atomic_store(&stopping, 0);
    KERNEL(NR_futex, &stopping, FUTEX_WAKE, 0x7fffffff);
    threads_unlock();
}

void threads_forked(void) {
    atomic_store(&stopping, 0);
    threads_unlock();
}
