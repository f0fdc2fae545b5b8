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

void lock_release(struct popcorn_lock *lock) {
    if (atomic_exchange(&lock->word, 0) == 2)
        KERNEL(NR_futex, &lock->word, FUTEX_WAKE, 1);
    critical_leave();
}
