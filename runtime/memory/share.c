/* SPDX-License-Identifier: MIT */
/*
 * Portable memory moves to a memory file, and back in the child of a fork. The areas to move: the image's
 * portable data, and every region of the arena that is no shared mapping of a file (the first of them is the
 * run time's own part with the control block).
 */
#include "base/descriptors.h"
#include "base/message.h"
#include "memory/internal.h"
#include "popcorn/control.h"

int memory_file_fd = -1;

#define PAGEMAP_ENTRIES 512
#define PAGEMAP_HERE (3ULL << 62) /* present, or swapped out */

struct area {
    uint64_t start, end;
    int protection;
    enum region_kind kind;
};

/* Calls work(area, state) for each area; ends at the first that is not 0 and returns that. */
static long each_area(long (*work)(const struct area *, void *), void *state) {
    const struct regions *t = memory_regions();
    struct area data = {(uint64_t)__popcorn_data_start, (uint64_t)__popcorn_data_end, PROT_READ | PROT_WRITE,
                        REGION_PRIVATE};
    long r = data.start < data.end ? work(&data, state) : 0;
    for (uint32_t i = 0; i < t->count && r == 0; i++) {
        const struct region *region = &t->entry[i];
        struct area area = {region->start, region->end, (int)region->protection, region->kind};
        if (!region_outside(region))
            r = work(&area, state);
    }
    return r;
}

/* Copies [start, end) to the memory file. Pages behind the end of a mapped file cannot be read: left out. */
static long copy_range(int file, uint64_t start, uint64_t end) {
    while (start < end) {
        long n = memory_backing->write(file, start, end - start);
        if (n == -E_INTR)
            continue;
        if (n == -E_FAULT)
            n = KERNEL_PAGE;
        if (n <= 0)
            return n ? n : -E_NOMEM;
        start += (uint64_t)n;
    }
    return 0;
}

struct copy {
    int file, pagemap;
};

/* Copies the pages that exist among those that `entry` describes. */
static long copy_present(const struct copy *c, uint64_t start, const uint64_t *entry, uint64_t pages) {
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t first = i;
        while (i < pages && entry[i] & PAGEMAP_HERE)
            i++;
        if (i == first)
            continue;
        long r = copy_range(c->file, start + first * KERNEL_PAGE, start + i * KERNEL_PAGE);
        if (r)
            return r;
    }
    return 0;
}

static long copy_pages(const struct copy *c, uint64_t start, uint64_t end) {
    uint64_t entry[PAGEMAP_ENTRIES];
    while (start < end) {
        uint64_t pages = (end - start) / KERNEL_PAGE;
        if (pages > PAGEMAP_ENTRIES)
            pages = PAGEMAP_ENTRIES;
        long n = KERNEL(NR_pread64, c->pagemap, entry, pages * sizeof entry[0],
                        start / KERNEL_PAGE * sizeof entry[0]);
        long r = n == (long)(pages * sizeof entry[0])
                     ? copy_present(c, start, entry, pages)
                     : copy_range(c->file, start, start + pages * KERNEL_PAGE);
        if (r)
            return r;
        start += pages * KERNEL_PAGE;
    }
    return 0;
}

static long copy_area(const struct area *area, void *state) {
    const struct copy *c = state;
    bool readable = area->protection & PROT_READ;
    if (!readable)
        KERNEL(NR_mprotect, area->start, area->end - area->start, PROT_READ);
    /* data of the image and of mapped files is there although no page table may know it yet */
    bool whole = area->kind == REGION_COPY || area->start < POPCORN_ARENA_BASE;
    long r = whole ? copy_range(c->file, area->start, area->end) : copy_pages(c, area->start, area->end);
    if (!readable)
        KERNEL(NR_mprotect, area->start, area->end - area->start, area->protection);
    return r;
}

static long map_area(const struct area *area, void *state) {
    (void)state;
    return map_memory_file(area->start, area->end - area->start, area->protection);
}

static void regions_become_private(void) {
    struct regions *t = memory_regions();
    for (uint32_t i = 0; i < t->count; i++)
        if (t->entry[i].kind == REGION_COPY) {
            t->entry[i].kind = REGION_PRIVATE;
            t->entry[i].restored = 0;
        }
}

static long share_locked(void) {
    struct copy c = {memory_backing->open(), -1};
    if (c.file < 0)
        return c.file;
    c.pagemap = (int)KERNEL(NR_openat, AT_CWD, "/proc/self/pagemap", OPEN_RDONLY | OPEN_CLOEXEC, 0);
    long r = each_area(copy_area, &c);
    if (c.pagemap >= 0)
        KERNEL(NR_close, c.pagemap);
    if (r) {
        descriptors_drop(c.file);
        return r;
    }
    memory_file_fd = c.file;
    if (each_area(map_area, NULL))
        popcorn_fatal("the kernel refuses to map shared memory", 70);
    regions_become_private();
    popcorn_control()->shared = 1;
    return 0;
}

int memory_share(void) {
    lock_take(&memory_lock);
    long r = memory_file_fd < 0 ? share_locked() : 0;
    lock_release(&memory_lock);
    return (int)r;
}

int memory_file(void) {
    return memory_file_fd;
}

/* Reads what the memory file has for [start, end) to that place, which is all zeros. (In a child it is one of
 * this machine's, whatever backs its parent.) */
static long read_data(uint64_t start, uint64_t end) {
    uint64_t at = start, stop = end;
    long r;
    while ((r = memory_file_backing.present(memory_file_fd, &at, &stop)) == 0 && at < stop) {
        while (at < stop) {
            long n = KERNEL(NR_pread64, memory_file_fd, at, stop - at, layout_file_offset(at));
            if (n <= 0 && n != -E_INTR)
                return n ? n : -E_NOMEM;
            at += n > 0 ? (uint64_t)n : 0;
        }
        stop = end;
    }
    return r;
}

/* (What describes the areas lies in the first of them, and is not looked at while that is being filled.) */
static long unshare_area(const struct area *area, void *state) {
    (void)state;
    size_t size = area->end - area->start;
    long r = KERNEL(NR_mmap, area->start, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (is_error(r))
        return r;
    r = read_data(area->start, area->end);
    if (r == 0 && area->protection != (PROT_READ | PROT_WRITE))
        r = KERNEL(NR_mprotect, area->start, size, area->protection);
    return r;
}

/* Pages that only a lost machine had cannot be copied. */
static long copy_all(int file, uint64_t start, uint64_t end) {
    while (start < end) {
        long n = KERNEL(NR_pwrite64, file, start, end - start, layout_file_offset(start));
        if (n <= 0 && n != -E_INTR)
            return n ? n : -E_NOMEM;
        start += n > 0 ? (uint64_t)n : 0;
    }
    return 0;
}

static long snapshot_area(const struct area *area, void *state) {
    const int *file = state;
    bool readable = area->protection & PROT_READ;
    uint64_t start = area->start, end = area->end;
    long r;
    if (!readable)
        KERNEL(NR_mprotect, area->start, area->end - area->start, PROT_READ);
    while ((r = memory_backing->present(memory_file_fd, &start, &end)) == 0 && start < end) {
        r = copy_all(*file, start, end);
        if (r)
            break;
        start = end;
        end = area->end;
    }
    if (!readable)
        KERNEL(NR_mprotect, area->start, area->end - area->start, area->protection);
    return r;
}

bool memory_inherited(void) {
    return memory_backing->inherited;
}

int memory_snapshot(void) {
    int file = memory_file_backing.open();
    if (file < 0)
        return -E_NOMEM;
    long r = each_area(snapshot_area, &file);
    if (r == 0)
        return file;
    descriptors_drop(file);
    return -E_NOMEM;
}

int memory_move(int file) {
    int before = memory_file_fd;
    memory_file_fd = file;
    long r = each_area(map_area, NULL);
    descriptors_drop(before);
    return (int)r;
}

int memory_unshare(void) {
    if (memory_file_fd < 0)
        return 0;
    long r = each_area(unshare_area, NULL);
    if (r)
        return (int)r;
    descriptors_drop(memory_file_fd);
    memory_file_fd = -1;
    popcorn_control()->shared = 0;
    return 0;
}
