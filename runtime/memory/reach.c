/* SPDX-License-Identifier: MIT */
/* Which addresses the program can surely read or write. */
#include "memory/internal.h"

#define MOST_LOOKS 100

/* The end of portable constants, from popcorn-ld. */
extern char __fini_array_end[] __attribute__((weak));

/* By the table as it is at one moment: another thread may be changing it. */
static bool all_allow(uint64_t start, uint64_t end, uint32_t protection) {
    const struct regions *t = memory_regions();
    for (int i = 0; i < MOST_LOOKS; i++) {
        uint32_t before = atomic_load(&t->sequence);
        bool good = regions_allow(t, start, end, protection);
        atomic_thread_fence(memory_order_acquire);
        if (!(before & 1) && atomic_load(&t->sequence) == before)
            return good;
    }
    return false;
}

bool popcorn_reachable(const void *users, size_t size, bool write) {
    uint64_t start = (uint64_t)users, end = start + size;
    if (end < start)
        return false;
    if (start >= (uint64_t)__popcorn_data_start && end <= (uint64_t)__popcorn_data_end)
        return true;
    if (!write && start >= POPCORN_RODATA_BASE && end <= (uint64_t)__fini_array_end)
        return true;
    return layout_in_arena(start, size) && all_allow(start, end, write ? PROT_WRITE : PROT_READ);
}
