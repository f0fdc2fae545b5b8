/* SPDX-License-Identifier: MIT */
#include "base/own_signal.h"
#include "base/kernel.h"
#include "popcorn/control.h"

#define QEMU_NUMBER (POPCORN_MIGRATE_SIGNAL - 2)

int own_signal = POPCORN_MIGRATE_SIGNAL;

/* A signal that is not there cannot be blocked. */
void own_signal_start(void) {
    uint64_t own = 1ULL << (POPCORN_MIGRATE_SIGNAL - 1), before = 0, now = 0;
    KERNEL(NR_rt_sigprocmask, MASK_BLOCK, &own, &before, 8);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &before, &now, 8);
    if (!(now & own))
        own_signal = QEMU_NUMBER;
}
