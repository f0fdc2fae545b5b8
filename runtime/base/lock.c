/* SPDX-License-Identifier: MIT */
#include "base/lock.h"
#include "base/critical.h"
#include "base/kernel.h"

/* While it waits the thread is in no critical section of this lock's: it can be stopped, and handle signals.
 */
void lock_take(struct popcorn_lock *lock) {
    uint32_t expected = 0;
    critical_enter();
    if (atomic_compare_exchange_strong(&lock->word, &expected, 1))
        return;
    while (atomic_exchange(&lock->word, 2) != 0) {
        critical_leave();
        KERNEL(NR_futex, &lock->word, FUTEX_WAIT, 2, 0);
        critical_enter();
    }
}

static void release(struct popcorn_lock *lock) {
    if (atomic_exchange(&lock->word, 0) == 2)
        KERNEL(NR_futex, &lock->word, FUTEX_WAKE, 1);
}

void lock_release(struct popcorn_lock *lock) {
    release(lock);
    critical_leave();
}

uint64_t lock_take_blocked(struct popcorn_lock *lock) {
    uint64_t blocked = ~KERNEL_FAULTS, before = 0;
    uint32_t expected = 0;
    KERNEL(NR_rt_sigprocmask, MASK_SET, &blocked, &before, 8);
    if (!atomic_compare_exchange_strong(&lock->word, &expected, 1))
        while (atomic_exchange(&lock->word, 2) != 0)
            KERNEL(NR_futex, &lock->word, FUTEX_WAIT, 2, 0);
    return before;
}

void lock_release_blocked(struct popcorn_lock *lock, uint64_t before) {
    release(lock);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &before, 0, 8);
}
