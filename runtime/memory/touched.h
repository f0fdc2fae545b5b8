/* SPDX-License-Identifier: MIT */
/* Portable memory as a whole, for checkpoints: which pages have contents, and how a new process gets them. */
#ifndef MEMORY_TOUCHED_H
#define MEMORY_TOUCHED_H

#include <stdbool.h>
#include <stdint.h>

struct region;

#define TOUCHED_MOST (1UL << 20) /* bytes told at once */

/*
 * Calls visit() for runs of pages with contents, those at the arena's beginning first. Ends at the first
 * answer that is not 0, and returns it. At the origin; nobody may change the mappings meanwhile.
 */
long memory_each_touched(long (*visit)(uint64_t start, uint64_t size, void *), void *state);

/* The table's region of this index, or NULL behind the last. */
const struct region *memory_region(uint32_t index);

/*
 * In a process that begins with a checkpoint's memory, after memory_start():
 * when the run time's own part has been filled, checks the table of regions and maps them, all writable;
 */
long memory_restore_regions(void);
/* says whether these pages may be filled; */
bool memory_restorable(uint64_t start, uint64_t size);
/* maps the shared mapping of a file that begins at `start`; the descriptor is the table's from then on; */
long memory_restore_file(uint64_t start, int file);
/* and at the end gives all regions their protection. 0 or a negative errno. */
long memory_restored(void);

#endif
