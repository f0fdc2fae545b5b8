/* SPDX-License-Identifier: MIT */
#include "stacks.h"
#include "pthread_impl.h"
#include <sys/mman.h>

enum { SPARES = 16, MOST = 1 << 20 };

/* At the end of the mapping. */
struct spare {
    size_t size, guard;
};

/* Without a lock: fork may copy the array at any time, and a program's threads may be in several processes.
 */
static struct spare *spares[SPARES];

static void *base_of(struct spare *spare) {
    return (char *)(spare + 1) - spare->size;
}

void *__popcorn_stack_take(size_t size, size_t guard) {
    for (int i = 0; i < SPARES; i++) {
        if (!__atomic_load_n(&spares[i], __ATOMIC_RELAXED))
            continue;
        struct spare *spare = __atomic_exchange_n(&spares[i], NULL, __ATOMIC_ACQ_REL);
        if (spare && spare->size == size && spare->guard == guard)
            return base_of(spare);
        if (spare)
            __popcorn_stack_give(base_of(spare), spare->size, spare->guard);
    }
    return NULL;
}

void __popcorn_stack_give(void *base, size_t size, size_t guard) {
    struct spare *spare = (struct spare *)((char *)base + size) - 1;
    if (size <= MOST) {
        *spare = (struct spare){size, guard};
        for (int i = 0; i < SPARES; i++) {
            struct spare *none = NULL;
            if (__atomic_compare_exchange_n(&spares[i], &none, spare, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
                return;
        }
    }
    __munmap(base, size);
}
