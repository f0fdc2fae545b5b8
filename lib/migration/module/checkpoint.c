/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdint.h>

#include "popcorn/abi.h"
#include "popcorn/migrate.h"
#include "popcorn/query.h"

long __popcorn_wait(long n, long a, long b, long c, long d, long e, long f);

enum { FUTEX = 98, WAIT = 0, NANOSLEEP = 101 }; /* of asm-generic */

/* Where the thread stands in the checkpoint: *state has become POPCORN_CHECKPOINT_RESTARTED there. */
static int wait_for(volatile int32_t *state) {
    while (*state == POPCORN_CHECKPOINT_WAITS)
        __popcorn_wait(FUTEX, (long)state, WAIT, POPCORN_CHECKPOINT_WAITS, 0, 0, 0);
    return *state;
}

int popcorn_checkpoint(const char *path) {
    volatile int32_t state = POPCORN_CHECKPOINT_WAITS;
    const int64_t tick[2] = {0, 10000000}; /* struct timespec */
    long r;
    while ((r = __popcorn_checkpoint(path, (void *)&state)) == -EAGAIN)
        __popcorn_wait(NANOSLEEP, (long)tick, 0, 0, 0, 0, 0);
    return r ? (int)r : wait_for(&state);
}
