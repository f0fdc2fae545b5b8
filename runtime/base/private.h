/* SPDX-License-Identifier: MIT */
/* Memory of this native process alone, which the program never sees. */
#ifndef BASE_PRIVATE_H
#define BASE_PRIVATE_H

#include <stddef.h>

#include "base/kernel.h"

/* Zeros, in whole pages, or NULL if there is none. For NR_munmap, by the same size. */
static inline void *private_memory(size_t size) {
    long r = KERNEL(NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return r < 0 && r >= -4095 ? NULL : (void *)r;
}

#endif
