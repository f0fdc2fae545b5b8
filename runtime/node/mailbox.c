/* SPDX-License-Identifier: MIT */
#include "node/internal.h"

void bell_ring(_Atomic uint32_t *bell) {
    atomic_fetch_add(bell, 1);
    KERNEL(NR_futex, bell, FUTEX_WAKE, 0x7fffffff);
}

void bell_wait(_Atomic uint32_t *bell, uint32_t seen, int64_t nanoseconds) {
    struct kernel_time timeout = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    KERNEL(NR_futex, bell, FUTEX_WAIT, seen, &timeout);
}

uint32_t mailbox_base(struct popcorn_mailbox *box, uint32_t depth) {
    for (; depth > 0; depth--)
        if (atomic_load(&box->signal[depth - 1].state) == MAILBOX_TAKEN)
            return box->signal[depth - 1].base;
    return 0;
}
