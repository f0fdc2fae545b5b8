/* SPDX-License-Identifier: MIT */
/*
 * Where things lie in portable memory, and in the memory file that backs it once it is shared:
 *
 *   arena   control block, region table, threads | everything that is mapped at run time
 *   file    portable data | arena
 */
#ifndef MEMORY_LAYOUT_H
#define MEMORY_LAYOUT_H

#include <stdint.h>

#include "popcorn/abi.h"

#define LAYOUT_CONTROL_SIZE (64UL << 10)
#define LAYOUT_ACTIONS (POPCORN_ARENA_BASE + (32UL << 10)) /* signal/actions.c */
#define LAYOUT_NODES (POPCORN_ARENA_BASE + (48UL << 10))   /* node/internal.h */
#define LAYOUT_NODES_SIZE (16UL << 10)
#define LAYOUT_REGIONS (POPCORN_ARENA_BASE + LAYOUT_CONTROL_SIZE)
#define LAYOUT_REGIONS_SIZE (8UL << 20)
#define LAYOUT_SYSTEM_SIZE (16UL << 20) /* the run time's part at the arena's beginning */
#define LAYOUT_FIRST (POPCORN_ARENA_BASE + LAYOUT_SYSTEM_SIZE)

#define LAYOUT_STACK_GUARD                                                                                   \
    (1UL << 20) /* free below the main thread's data stack; as the kernel's stack gap */

#define LAYOUT_FILE_ARENA (POPCORN_DATA_LIMIT - POPCORN_DATA_BASE)
#define LAYOUT_FILE_SIZE (LAYOUT_FILE_ARENA + POPCORN_ARENA_LIMIT - POPCORN_ARENA_BASE)

/* Where in the memory file a portable address is. */
static inline uint64_t layout_file_offset(uint64_t address) {
    if (address < POPCORN_ARENA_BASE)
        return address - POPCORN_DATA_BASE;
    return address - POPCORN_ARENA_BASE + LAYOUT_FILE_ARENA;
}

static inline int layout_in_arena(uint64_t start, uint64_t size) {
    return start >= POPCORN_ARENA_BASE && start < POPCORN_ARENA_LIMIT && size <= POPCORN_ARENA_LIMIT - start;
}

#endif
