/* SPDX-License-Identifier: MIT */
/* Portable memory as a whole, for checkpoints: which pages have contents, and how a new process gets them. */
#ifndef MEMORY_TOUCHED_H
#define MEMORY_TOUCHED_H

#include <stdbool.h>
#include <stdint.h>

struct region;

#define TOUCHED_MOST (1UL << 20) /* bytes told at once */

/* `bytes`: the contents of [start, start + size), there or in a copy, until it returns. */
typedef long touched_visit(uint64_t start, const char *bytes, uint64_t size, void *state);

/*
 * Calls visit() for runs of pages with contents, those at the arena's beginning first. Ends at the first
 * answer that is not 0, and returns it; -E_IO if there is a page that cannot be read. At the origin; nobody
 * may change the mappings meanwhile.
 */
long memory_each_touched(touched_visit *, void *state);

/* The table's region of this index, or NULL behind the last. */
const struct region *memory_region(uint32_t index);

/*
 * restored.c. In a process that begins with a checkpoint's memory, after memory_start():
 * when the run time's own part has been filled, checks the table of regions and maps them, all writable;
 */
long memory_restore_regions(void);
/* says whether these pages may be filled; */
bool memory_restorable(uint64_t start, uint64_t size);
/*
 * maps such pages from the checkpoint's file, privately, so that they are read when they are needed. False:
 * they have to be filled. From then on the file must stay as it is, until memory_keep() has seen to all of
 * them;
 */
bool memory_restore_mapping(uint64_t start, uint64_t size, int file, uint64_t offset);
/* maps the shared mapping of a file that begins at `start`; the descriptor is the table's from then on; */
long memory_restore_file(uint64_t start, int file);
/* and at the end gives all regions their protection. 0 or a negative errno. */
long memory_restored(void);

/* While the program runs: copies what [start, start + size) still has in the checkpoint's file alone. True if
 * nobody needs that part of the file any more. */
bool memory_keep(uint64_t start, uint64_t size);

/*
 * changed.c: which pages are surely as they were when a child was made that has memory as it was, and is
 * still there: those that this process still shares with it. Calls visit() for every page that any region
 * has, and not for the image's data; `same` means nothing for a page of zeros. `since`: memory_moment() of
 * when the child was made; without a child, no page is. At the origin; no thread of the program may run.
 */
uint32_t memory_moment(void);
void memory_each_page(void (*visit)(uint64_t page, bool same), bool child, uint32_t since);

/* Before a child is made that has memory as it is now, and may go on to need that file. False: it would not
 * have all of it (MADV_DONTFORK, MADV_WIPEONFORK). */
bool memory_may_have_child(void);

#endif
