/* SPDX-License-Identifier: MIT */
/* What the files of memory/ share. */
#ifndef MEMORY_INTERNAL_H
#define MEMORY_INTERNAL_H

#include "base/kernel.h"
#include "base/lock.h"
#include "memory/backing.h"
#include "memory/layout.h"
#include "memory/memory.h"
#include "memory/regions.h"

/* Portable data of the image, from popcorn-ld; absent in a program linked without it. */
extern char __popcorn_data_start[] __attribute__((weak));
extern char __popcorn_data_end[] __attribute__((weak));

extern struct popcorn_lock memory_lock; /* the origin's: over the region table and all mappings */
extern int memory_file_fd;              /* -1 while memory is private */
extern bool memory_has_restored;        /* some of it lies in a checkpoint's file, or did */
extern bool memory_elsewhere;           /* so may a child's, or what is not at its place any more */
extern bool memory_stays;               /* a child may not have all of it: the program has said so */
extern bool memory_merges;              /* the kernel may let pages be one that are alike */
extern uint32_t memory_shuffles; /* how often pages got to another place, or to a child of the program */

#define REGIONS_CAPACITY ((LAYOUT_REGIONS_SIZE - sizeof(struct regions)) / sizeof(struct region))

static inline struct regions *memory_regions(void) {
    return (struct regions *)LAYOUT_REGIONS;
}

static inline uint64_t page_up(uint64_t n) {
    return (n + KERNEL_PAGE - 1) & -KERNEL_PAGE;
}

static inline bool is_error(long result) {
    return result < 0 && result >= -4095;
}

/* arena.c, under the memory lock: where a mapping shall be, or a negative errno; takes a range out of the
 * table, with what belongs to it; enters a region in a free range. */
long memory_choose_place(uint64_t wanted, size_t size, int flags);
void memory_forget_range(uint64_t start, uint64_t end);
void memory_enter_region(const struct region *);

/* touched.c: /proc/self/pagemap if it is of these addresses, or -1. */
int memory_open_pagemap(void);

/* segment.c, on a node: attaches what a region holds of a segment. 0 or a negative errno. */
long segment_map(const struct region *);

/* Maps [start, start + size) of the memory file at its address. 0 or a negative errno. */
static inline long map_memory_file(uint64_t start, size_t size, int protection) {
    long r = KERNEL(NR_mmap, start, size, protection, MAP_SHARED | MAP_FIXED, memory_file_fd,
                    layout_file_offset(start));
    return is_error(r) ? r : 0;
}

/* Gives the pages of a range back: they read as zeros from now on. */
static inline void punch_memory_file(uint64_t start, size_t size) {
    memory_backing->punch(memory_file_fd, start, size);
}

#endif
