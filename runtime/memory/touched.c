/* SPDX-License-Identifier: MIT */
/*
 * Which pages of portable memory have contents: those that differ from what a process begins with. Of the
 * image's data these are the pages that were touched, of the arena those that are not zeros.
 */
#include "memory/touched.h"
#include "memory/internal.h"

#define ENTRIES 512
#define KEPT_AT_ONCE (64UL << 10)   /* bytes, while others wait for the lock */
#define WORTH_MAPPING (256UL << 10) /* bytes: fewer are read as fast */
#define MAPPED_MOST 16384           /* mappings: the kernel has a limit for all of a process's */
#define PRESENT (3ULL << 62)        /* of an entry of pagemap: in memory, or swapped out */
#define AHEAD (16 * KERNEL_PAGE)    /* where it is looked next: pages are anywhere in the machine's memory */

bool memory_has_restored, memory_elsewhere, memory_stays, memory_merges;
uint32_t memory_shuffles;

struct search {
    long (*visit)(uint64_t start, uint64_t size, void *);
    void *state;
    int pagemap;         /* -1: it says nothing, every page has to be looked at */
    uint64_t start, end; /* of the run of pages found last, not yet told */
};

static bool is_zero(uint64_t page) {
    const uint64_t *word = (const uint64_t *)page;
    __builtin_prefetch((const void *)(page + AHEAD));
    uint64_t any = 0;
    for (size_t i = 0; i < KERNEL_PAGE / sizeof *word && !any; i += 8)
        any = word[i] | word[i + 1] | word[i + 2] | word[i + 3] | word[i + 4] | word[i + 5] | word[i + 6] |
              word[i + 7];
    return !any;
}

static long tell(struct search *s) {
    uint64_t start = s->start, size = s->end - s->start;
    s->start = s->end = 0;
    return size ? s->visit(start, size, s->state) : 0;
}

static long found(struct search *s, uint64_t page) {
    if (s->end != page || s->end - s->start >= TOUCHED_MOST) {
        long r = tell(s);
        if (r)
            return r;
        s->start = page;
    }
    s->end = page + KERNEL_PAGE;
    return 0;
}

/* Pages of which pagemap says that they exist. `data`: of the image, where zeros count too. */
static long search_pages(struct search *s, uint64_t start, uint64_t end, bool data) {
    uint64_t entry[ENTRIES];
    while (start < end) {
        uint64_t pages = (end - start) / KERNEL_PAGE < ENTRIES ? (end - start) / KERNEL_PAGE : ENTRIES;
        long size = (long)(pages * sizeof *entry);
        bool known = s->pagemap >= 0 &&
                     KERNEL(NR_pread64, s->pagemap, entry, size, start / KERNEL_PAGE * sizeof *entry) == size;
        for (uint64_t i = 0; i < pages; i++) {
            uint64_t page = start + i * KERNEL_PAGE;
            long r = (!known || entry[i] & PRESENT) && (data || !is_zero(page)) ? found(s, page) : 0;
            if (r)
                return r;
        }
        start += pages * KERNEL_PAGE;
    }
    return 0;
}

/* Pages that the memory file has. */
static long search_memory_file(struct search *s, uint64_t start, uint64_t end) {
    uint64_t base = layout_file_offset(start), limit = base + (end - start);
    for (uint64_t at = base; at < limit;) {
        long data = KERNEL(NR_lseek, memory_file_fd, at, SEEK_TO_DATA);
        if (data < 0 || (uint64_t)data >= limit)
            return 0;
        long hole = KERNEL(NR_lseek, memory_file_fd, data, SEEK_TO_HOLE);
        if (hole < 0)
            return hole;
        at = (uint64_t)hole < limit ? (uint64_t)hole : limit;
        for (uint64_t page = (uint64_t)data & -KERNEL_PAGE; page < at; page += KERNEL_PAGE) {
            long r = is_zero(start + (page - base)) ? 0 : found(s, start + (page - base));
            if (r)
                return r;
        }
    }
    return 0;
}

/* Pages that came with a checkpoint may be there although no page table knows them yet. */
static long search_restored(const struct search *s, uint64_t start, uint64_t end) {
    struct search all = *s;
    all.pagemap = -1;
    long r = search_pages(&all, start, end, false);
    return r ? r : tell(&all);
}

/* A private mapping of a file: pages behind the file's end cannot be read. */
static long search_mapping(struct search *s, uint64_t start, uint64_t end) {
    for (uint64_t page = start; page < end; page += KERNEL_PAGE) {
        uint64_t copy;
        struct kernel_vector to = {&copy, sizeof copy}, from = {(const void *)page, sizeof copy};
        bool readable =
            KERNEL(NR_process_vm_readv, KERNEL(NR_getpid), &to, 1, &from, 1, 0) == (long)sizeof copy;
        long r = readable && !is_zero(page) ? found(s, page) : 0;
        if (r)
            return r;
    }
    return 0;
}

static long search_region(struct search *s, const struct region *region) {
    bool readable = region->protection & PROT_READ;
    size_t size = region->end - region->start;
    long r;
    if (region_outside(region))
        return 0;
    if (!readable)
        KERNEL(NR_mprotect, region->start, size, PROT_READ);
    if (memory_file_fd >= 0)
        r = search_memory_file(s, region->start, region->end);
    else if (region->restored)
        r = search_restored(s, region->start, region->end);
    else if (region->kind == REGION_COPY)
        r = search_mapping(s, region->start, region->end);
    else
        r = search_pages(s, region->start, region->end, false);
    if (r == 0)
        r = tell(s);
    if (!readable)
        KERNEL(NR_mprotect, region->start, size, region->protection);
    return r;
}

/* Under an emulator the map may be of other addresses: it must know a page that is surely there. */
int memory_open_pagemap(void) {
    uint64_t entry = 0;
    int pagemap = (int)KERNEL(NR_openat, AT_CWD, "/proc/self/pagemap", OPEN_RDONLY | OPEN_CLOEXEC, 0);
    if (pagemap < 0)
        return -1;
    long n =
        KERNEL(NR_pread64, pagemap, &entry, sizeof entry, POPCORN_ARENA_BASE / KERNEL_PAGE * sizeof entry);
    if (n == sizeof entry && entry & PRESENT)
        return pagemap;
    KERNEL(NR_close, pagemap);
    return -1;
}

long memory_each_touched(long (*visit)(uint64_t start, uint64_t size, void *), void *state) {
    const struct regions *t = memory_regions();
    struct search s = {.visit = visit, .state = state, .pagemap = memory_open_pagemap()};
    long r = 0;
    for (uint32_t i = 0; i < t->count && r == 0; i++)
        r = search_region(&s, &t->entry[i]);
    if (r == 0)
        r = search_pages(&s, (uint64_t)__popcorn_data_start, page_up((uint64_t)__popcorn_data_end), true);
    if (r == 0)
        r = tell(&s);
    if (s.pagemap >= 0)
        KERNEL(NR_close, s.pagemap);
    return r;
}

const struct region *memory_region(uint32_t index) {
    const struct regions *t = memory_regions();
    return index < t->count ? &t->entry[index] : NULL;
}

/*
 * The other way.
 */

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
