/* SPDX-License-Identifier: MIT */
/*
 * The table of regions: which parts of the arena are in use, and for what. A sorted array of ranges that
 * never overlap; neighbours alike are one entry. It lies in portable memory and is changed by the origin
 * alone, under the memory lock; other processes read it at any time and check `sequence` (odd: being
 * changed).
 */
#ifndef MEMORY_REGIONS_H
#define MEMORY_REGIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum region_kind {
    REGION_PRIVATE, /* its contents are here: once memory is shared, part of the memory file */
    REGION_COPY,    /* private mapping of a file, some of it not read yet; becomes PRIVATE by sharing */
    REGION_FILE,    /* a shared mapping of a file: the same file in every process */
    REGION_SEGMENT, /* System V shared memory: likewise */
};

struct region {
    uint64_t start, end;
    uint64_t offset;     /* outside portable memory: of `start` in the file or segment */
    uint32_t protection; /* PROT_ */
    uint16_t kind;       /* enum region_kind */
    uint16_t system;     /* the run time's own: the program cannot touch it */
    int32_t file;        /* REGION_FILE: descriptor at the origin; REGION_SEGMENT: its number; else -1 */
    int32_t restored;    /* REGION_COPY: of a checkpoint; the program takes it for memory without a file */
};

/* Are its contents elsewhere than in portable memory? */
static inline bool region_outside(const struct region *region) {
    return region->kind >= REGION_FILE;
}

struct regions {
    uint32_t count, capacity;
    _Atomic uint32_t sequence;
    uint32_t reserved;
    struct region entry[];
};

/* Between begin and end, readers in other processes wait. */
static inline void regions_begin(struct regions *t) {
    atomic_fetch_add(&t->sequence, 1);
}

static inline void regions_end(struct regions *t) {
    atomic_fetch_add(&t->sequence, 1);
}

/* Index of the first region that ends behind the address; count if there is none. */
uint32_t regions_search(const struct regions *, uint64_t address);

/* The region that holds the address, or NULL. */
const struct region *regions_at(const struct regions *, uint64_t address);

/* Lowest address of a free range of `size` bytes in [low, high); 0 if there is none. */
uint64_t regions_gap(const struct regions *, uint64_t low, uint64_t high, uint64_t size);

/* Is any byte of [start, end) in use? Is every one? */
bool regions_any(const struct regions *, uint64_t start, uint64_t end);
bool regions_all(const struct regions *, uint64_t start, uint64_t end);

/* Is any byte of [start, end) the run time's own? */
bool regions_system(const struct regions *, uint64_t start, uint64_t end);

/* Is any byte of [start, end) of a shared mapping of a file? */
bool regions_any_of_file(const struct regions *, uint64_t start, uint64_t end);

/* Does a region in [start, end) allow what `protection` does not? */
bool regions_lowered_by(const struct regions *, uint64_t start, uint64_t end, uint32_t protection);

/* Does a region in [start, end) lie in a checkpoint's file? */
bool regions_any_restored(const struct regions *, uint64_t start, uint64_t end);

/* Is [start, end) memory without a file, to the program, of one protection? */
bool regions_anonymous(const struct regions *, uint64_t start, uint64_t end);

/* Is every byte of [start, end) in use, with at least this protection? */
bool regions_allow(const struct regions *, uint64_t start, uint64_t end, uint32_t protection);

/* Is there room for one change (a change adds two entries at most)? */
bool regions_room(const struct regions *);

/* Takes [start, end) out, splitting regions as needed. Needs room. */
void regions_remove(struct regions *, uint64_t start, uint64_t end);

/* Enters a region in a free range and joins it with neighbours alike. Needs room. */
void regions_add(struct regions *, const struct region *);

/* Sets the protection of what is in use in [start, end). Needs room. */
void regions_protect(struct regions *, uint64_t start, uint64_t end, uint32_t protection);

/* Does any region use this descriptor? */
bool regions_use_file(const struct regions *, int32_t file);

#endif
