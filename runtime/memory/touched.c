/* SPDX-License-Identifier: MIT */
/*
 * Which pages of portable memory have contents: those that differ from what a process begins with. Of the
 * image's data these are the pages that were touched, of the arena those that are not zeros.
 *
 * Pages are read through /proc/self/mem, a piece at a time, and looked at in the copy. Reading them where
 * they are costs a new process, such as a child that has a snapshot, an entry in its page tables each; with a
 * hypervisor that keeps tables of its own for a guest's processes that is eight times the copying.
 */
#include "memory/touched.h"
#include "base/private.h"
#include "memory/internal.h"

#define ENTRIES (TOUCHED_MOST / KERNEL_PAGE)
#define PRESENT (3ULL << 62)     /* of an entry of pagemap: in memory, or swapped out */
#define AHEAD (16 * KERNEL_PAGE) /* where it is looked next: pages are anywhere in the machine's memory */

struct search {
    touched_visit *visit;
    void *state;
    int pagemap;         /* -1: it says nothing, every page has to be looked at */
    int memory;          /* /proc/self/mem, or -1: pages are read where they are */
    char *copy;          /* TOUCHED_MOST bytes, of the piece read last */
    uint64_t start, end; /* of the run of pages found last, not yet told */
    const char *bytes;   /* its contents */
};

static bool is_zero(const char *page) {
    const uint64_t *word = (const uint64_t *)page;
    __builtin_prefetch(page + AHEAD);
    uint64_t any = 0;
    for (size_t i = 0; i < KERNEL_PAGE / sizeof *word && !any; i += 8)
        any = word[i] | word[i + 1] | word[i + 2] | word[i + 3] | word[i + 4] | word[i + 5] | word[i + 6] |
              word[i + 7];
    return !any;
}

static long tell(struct search *s) {
    uint64_t start = s->start, size = s->end - s->start;
    s->start = s->end = 0;
    return size ? s->visit(start, s->bytes, size, s->state) : 0;
}

static long found(struct search *s, uint64_t page, const char *bytes) {
    if (s->end != page || s->end - s->start >= TOUCHED_MOST) {
        long r = tell(s);
        if (r)
            return r;
        s->start = page;
        s->bytes = bytes;
    }
    s->end = page + KERNEL_PAGE;
    return 0;
}

/* The pages of [start, end), at most TOUCHED_MOST bytes. `data`: of the image, where zeros count too. */
static long look(struct search *s, uint64_t start, uint64_t end, bool data) {
    const char *bytes = (const char *)start;
    long size = (long)(end - start), r = 0;
    if (s->memory >= 0) {
        if (KERNEL(NR_pread64, s->memory, s->copy, size, start) != size)
            return -E_IO;
        bytes = s->copy;
    }
    for (long at = 0; at < size && r == 0; at += KERNEL_PAGE)
        if (data || !is_zero(bytes + at))
            r = found(s, start + (uint64_t)at, bytes + at);
    return r || s->memory < 0 ? r : tell(s); /* before the copy is another's */
}

/* `entry`: of pagemap, of each of these pages, or NULL. */
static long search_piece(struct search *s, uint64_t start, uint64_t end, const uint64_t *entry, bool data) {
    uint64_t pages = (end - start) / KERNEL_PAGE;
    long r = 0;
    for (uint64_t i = 0, next; i < pages && r == 0; i = next + 1) {
        for (next = i; next < pages && (!entry || entry[next] & PRESENT); next++)
            ;
        if (next > i)
            r = look(s, start + i * KERNEL_PAGE, start + next * KERNEL_PAGE, data);
    }
    return r;
}

/* Pages of which pagemap says that they exist. */
static long search_pages(struct search *s, uint64_t start, uint64_t end, bool data) {
    uint64_t entry[ENTRIES];
    long r = 0;
    for (uint64_t next; start < end && r == 0; start = next) {
        next = end - start < TOUCHED_MOST ? end : start + TOUCHED_MOST;
        long size = (long)((next - start) / KERNEL_PAGE * sizeof *entry);
        bool known = s->pagemap >= 0 &&
                     KERNEL(NR_pread64, s->pagemap, entry, size, start / KERNEL_PAGE * sizeof *entry) == size;
        r = search_piece(s, start, next, known ? entry : NULL, data);
    }
    return r;
}

/* Pages that the memory file has. */
static long search_memory_file(struct search *s, uint64_t start, uint64_t end) {
    uint64_t base = layout_file_offset(start), limit = base + (end - start);
    struct search all = *s;
    all.pagemap = -1;
    for (uint64_t at = base; at < limit;) {
        long data = KERNEL(NR_lseek, memory_file_fd, at, SEEK_TO_DATA);
        if (data < 0 || (uint64_t)data >= limit)
            break;
        long hole = KERNEL(NR_lseek, memory_file_fd, data, SEEK_TO_HOLE);
        if (hole < 0)
            return hole;
        at = (uint64_t)hole < limit ? page_up((uint64_t)hole) : limit;
        long r = search_pages(&all, start - base + ((uint64_t)data & -KERNEL_PAGE), start - base + at, false);
        if (r)
            return r;
    }
    return tell(&all);
}

/* Pages that came with a checkpoint may be there although no page table knows them yet. */
static long search_restored(const struct search *s, uint64_t start, uint64_t end) {
    struct search all = *s;
    all.pagemap = -1;
    long r = search_pages(&all, start, end, false);
    return r ? r : tell(&all);
}

static bool is_readable(uint64_t page) {
    uint64_t copy;
    struct kernel_vector to = {&copy, sizeof copy}, from = {(const void *)page, sizeof copy};
    return KERNEL(NR_process_vm_readv, KERNEL(NR_getpid), &to, 1, &from, 1, 0) == (long)sizeof copy;
}

/* A private mapping of a file: pages behind the file's end cannot be read. */
static long search_mapping(struct search *s, uint64_t start, uint64_t end) {
    long r = 0;
    for (uint64_t page = start, next; page < end && r == 0; page = next) {
        for (next = page; next < end && next - page < TOUCHED_MOST && is_readable(next); next += KERNEL_PAGE)
            ;
        if (next > page)
            r = look(s, page, next, false);
        else
            next += KERNEL_PAGE;
    }
    return r;
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

/* Under an emulator its addresses may be others: it must know what surely lies at one. */
static int open_memory(void) {
    static const uint64_t mark = 0x9e3779b97f4a7c15;
    uint64_t seen = 0;
    int memory = (int)KERNEL(NR_openat, AT_CWD, "/proc/self/mem", OPEN_RDONLY | OPEN_CLOEXEC, 0);
    if (memory < 0)
        return -1;
    long n = KERNEL(NR_pread64, memory, &seen, sizeof seen, &mark);
    if (n == sizeof seen && seen == mark)
        return memory;
    KERNEL(NR_close, memory);
    return -1;
}

static void begin(struct search *s) {
    s->pagemap = memory_open_pagemap();
    s->memory = open_memory();
    s->copy = s->memory >= 0 ? private_memory(TOUCHED_MOST) : NULL;
    if (s->memory >= 0 && !s->copy) {
        KERNEL(NR_close, s->memory);
        s->memory = -1;
    }
}

static void end(struct search *s) {
    if (s->pagemap >= 0)
        KERNEL(NR_close, s->pagemap);
    if (s->memory >= 0)
        KERNEL(NR_close, s->memory);
    if (s->copy)
        KERNEL(NR_munmap, s->copy, TOUCHED_MOST);
}

long memory_each_touched(touched_visit *visit, void *state) {
    const struct regions *t = memory_regions();
    struct search s = {.visit = visit, .state = state};
    long r = 0;
    begin(&s);
    for (uint32_t i = 0; i < t->count && r == 0; i++)
        r = search_region(&s, &t->entry[i]);
    if (r == 0)
        r = search_pages(&s, (uint64_t)__popcorn_data_start, page_up((uint64_t)__popcorn_data_end), true);
    if (r == 0)
        r = tell(&s);
    end(&s);
    return r;
}

const struct region *memory_region(uint32_t index) {
    const struct regions *t = memory_regions();
    return index < t->count ? &t->entry[index] : NULL;
}
