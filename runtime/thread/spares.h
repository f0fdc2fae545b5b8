/* SPDX-License-Identifier: MIT */
/*
 * What ended threads leave to those that begin: mapping memory and touching it first takes long beside all
 * else that a thread's beginning and end take. Without a lock: fork may copy the places at any time.
 * Async-signal-safe; any thread.
 */
#ifndef THREAD_SPARES_H
#define THREAD_SPARES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define SPARES 16

struct spares {
    _Atomic(void *) place[SPARES];
};

/* False: all places are taken, and it is still the caller's. */
static inline bool spares_keep(struct spares *s, void *spare) {
    for (int i = 0; i < SPARES; i++) {
        void *none = NULL;
        if (atomic_compare_exchange_strong(&s->place[i], &none, spare))
            return true;
    }
    return false;
}

/* What is in place i, which is the caller's then, or NULL. */
static inline void *spares_take(struct spares *s, int i) {
    return atomic_load(&s->place[i]) ? atomic_exchange(&s->place[i], NULL) : NULL;
}

#endif
