/* SPDX-License-Identifier: MIT */
/* Portable memory for the run time itself, from any process. */
#include "memory/portable.h"
#include "base/current.h"
#include "base/home.h"
#include "memory/internal.h"

void *popcorn_portable_map(size_t bytes) {
    const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    const long argument[6] = {0, (long)bytes, protection, flags, -1, 0};
    long r = home_here ? memory_mmap(0, bytes, protection, flags, -1, 0)
                       : home->call(popcorn_current(), NR_mmap, argument);
    return is_error(r) ? NULL : (void *)r;
}

void popcorn_portable_unmap(void *address, size_t bytes) {
    const long argument[6] = {(long)address, (long)bytes};
    if (home_here)
        memory_munmap((uint64_t)address, bytes);
    else
        home->call(popcorn_current(), NR_munmap, argument);
}
