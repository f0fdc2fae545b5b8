/* SPDX-License-Identifier: MIT */
/* Portable memory gets the contents that came with a checkpoint. */
#include "memory/internal.h"
#include "memory/touched.h"

#define KEPT_AT_ONCE (64UL << 10)   /* bytes, while others wait for the lock */
#define WORTH_MAPPING (256UL << 10) /* bytes: fewer are read as fast */
#define MAPPED_MOST 16384           /* mappings: the kernel has a limit for all of a process's */

bool memory_has_restored, memory_elsewhere, memory_stays, memory_merges;
uint32_t memory_shuffles;

/* A table from outside: in order, within the arena, the run time's own part first. */
static bool table_is_sound(const struct regions *t) {
    uint64_t end = POPCORN_ARENA_BASE;
    if (t->capacity != REGIONS_CAPACITY || t->count < 1 || t->count > t->capacity)
        return false;
    for (uint32_t i = 0; i < t->count; i++) {
        const struct region *r = &t->entry[i];
        bool whole = !(r->start % KERNEL_PAGE) && !(r->end % KERNEL_PAGE);
        if (!whole || r->start < end || r->end <= r->start || r->end > POPCORN_ARENA_LIMIT ||
            r->kind > REGION_FILE || r->protection & ~7U || (r->system != 0) != (i == 0))
            return false;
        end = r->end;
    }
    return t->entry[0].start == POPCORN_ARENA_BASE && t->entry[0].end == LAYOUT_FIRST;
}

/* All of it can be written until memory_restored(). */
long memory_restore_regions(void) {
    struct regions *t = memory_regions();
    if (!table_is_sound(t))
        return -E_INVAL;
    for (uint32_t i = 1; i < t->count; i++) {
        struct region *r = &t->entry[i];
        if (r->kind == REGION_FILE)
            continue;
        r->kind = REGION_PRIVATE;
        r->restored = 0;
        long m = KERNEL(NR_mmap, r->start, r->end - r->start, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (is_error(m))
            return m;
    }
    return 0;
}

bool memory_restore_mapping(uint64_t start, uint64_t size, int file, uint64_t offset) {
    static uint32_t mappings;
    struct regions *t = memory_regions();
    const struct region *r = regions_at(t, start);
    if (size < WORTH_MAPPING || start < LAYOUT_FIRST || !r || r->end - start < size ||
        !(r->protection & PROT_WRITE) || offset % KERNEL_PAGE || mappings == MAPPED_MOST || !regions_room(t))
        return false;
    struct region mapped = *r;
    int flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED;
    long m = KERNEL(NR_mmap, start, size, PROT_READ | PROT_WRITE, flags, file, offset);
    if (is_error(m)) {
        KERNEL(NR_mmap, start, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
        return false;
    }
    mapped.start = start;
    mapped.end = start + size;
    mapped.kind = REGION_COPY;
    mapped.restored = 1;
    regions_remove(t, start, start + size);
    regions_add(t, &mapped);
    memory_has_restored = true;
    mappings++;
    return true;
}

/* A write makes the page the process's own. It changes nothing, but if somebody else has just written. */
static void own_page(uint64_t page) {
    _Atomic uint64_t *word = (_Atomic uint64_t *)page;
    uint64_t value = atomic_load(word);
    atomic_compare_exchange_strong(word, &value, value);
}

/* Are all of these pages the process's own now? */
static bool keep_locked(uint64_t start, uint64_t size) {
    bool all = true;
    for (uint64_t page = start; page < start + size; page += KERNEL_PAGE) {
        const struct region *r = regions_at(memory_regions(), page);
        if (!r || !r->restored)
            continue;
        if (r->protection & PROT_WRITE)
            own_page(page);
        else
            all = false;
    }
    return all && !memory_elsewhere;
}

bool memory_keep(uint64_t start, uint64_t size) {
    bool all = true;
    for (uint64_t at = start; at < start + size; at += KEPT_AT_ONCE) {
        uint64_t left = start + size - at;
        lock_take(&memory_lock);
        all &= keep_locked(at, left < KEPT_AT_ONCE ? left : KEPT_AT_ONCE);
        lock_release(&memory_lock);
    }
    return all;
}

bool memory_may_have_child(void) {
    lock_take(&memory_lock);
    memory_elsewhere |= !memory_stays;
    lock_release(&memory_lock);
    return !memory_stays;
}

bool memory_restorable(uint64_t start, uint64_t size) {
    uint64_t data = (uint64_t)__popcorn_data_start, end = page_up((uint64_t)__popcorn_data_end);
    if (start % KERNEL_PAGE || size % KERNEL_PAGE || !size)
        return false;
    if (start >= data && start < end)
        return size <= end - start;
    const struct region *r = regions_at(memory_regions(), start);
    if (start < LAYOUT_FIRST)
        return start >= POPCORN_ARENA_BASE && size <= LAYOUT_FIRST - start;
    return r && r->kind != REGION_FILE && size <= POPCORN_ARENA_LIMIT - start &&
           !regions_any_of_file(memory_regions(), start, start + size) &&
           regions_all(memory_regions(), start, start + size);
}

long memory_restore_file(uint64_t start, int file) {
    struct regions *t = memory_regions();
    bool found = false;
    for (uint32_t i = 0; i < t->count; i++) {
        struct region *r = &t->entry[i];
        if (r->kind != REGION_FILE || r->start != start)
            continue;
        long m = KERNEL(NR_mmap, r->start, r->end - r->start, r->protection, MAP_SHARED | MAP_FIXED_NOREPLACE,
                        file, r->offset);
        if (is_error(m))
            return m;
        r->file = file;
        found = true;
    }
    return found ? 0 : -E_INVAL;
}

long memory_restored(void) {
    const struct regions *t = memory_regions();
    for (uint32_t i = 1; i < t->count; i++) {
        const struct region *r = &t->entry[i];
        if (r->kind == REGION_FILE || r->protection == (PROT_READ | PROT_WRITE))
            continue;
        long m = KERNEL(NR_mprotect, r->start, r->end - r->start, r->protection);
        if (m)
            return m;
    }
    return 0;
}
