/* SPDX-License-Identifier: MIT */
/*
 * A lock for a few instructions' work, in private or in portable memory. The holder cannot be interrupted by
 * one of the program's signal handlers (native.h: critical sections), so a handler never waits for itself.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct popcorn_lock {
    _Atomic uint32_t word; /* 0 free, 1 held, 2 held and waited for */
};

/* Any thread of the process; not recursive. */
void lock_take(struct popcorn_lock *);
void lock_release(struct popcorn_lock *);

/*
 * The same where nobody may count sections, as in the handler of a fault: the holder has all signals blocked
 * but those of faults. The first returns what was blocked before, for the second.
 */
uint64_t lock_take_blocked(struct popcorn_lock *);
void lock_release_blocked(struct popcorn_lock *, uint64_t before);

#endif
