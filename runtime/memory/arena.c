/* SPDX-License-Identifier: MIT */
/* The memory calls, at the origin: choose the place, change the mappings, then the table. */
#include "base/descriptors.h"
#include "base/home.h"
#include "memory/internal.h"
#include "popcorn/control.h"

struct popcorn_lock memory_lock;

/* What one call of mmap asks for. */
struct mapping {
    uint64_t start;
    size_t size;
    int protection, flags, fd;
    uint64_t offset;
};

int memory_start(void) {
    long r = KERNEL(NR_mmap, POPCORN_ARENA_BASE, LAYOUT_SYSTEM_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (is_error(r))
        return (int)r;
    struct regions *regions = memory_regions();
    struct region system = {.start = POPCORN_ARENA_BASE,
                            .end = POPCORN_ARENA_BASE + LAYOUT_SYSTEM_SIZE,
                            .protection = PROT_READ | PROT_WRITE,
                            .kind = REGION_PRIVATE,
                            .system = 1,
                            .file = -1};
    regions->capacity = REGIONS_CAPACITY;
    regions_add(regions, &system);
    return 0;
}

/* Closes descriptors of removed shared mappings that no region uses any more. */
static void drop_files(const int32_t *file, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!regions_use_file(memory_regions(), file[i]))
            descriptors_drop(file[i]);
}

/*
 * Takes a range out of the table, with what belongs to it: pages of the memory file, descriptors, and what
 * nodes have mapped there. The mappings of this process are the caller's business.
 */
void memory_forget_range(uint64_t start, uint64_t end) {
    struct regions *t = memory_regions();
    int32_t file[16];
    uint32_t nfiles = 0;
    bool stale = false;
    for (uint32_t i = regions_search(t, start); i < t->count && t->entry[i].start < end; i++) {
        const struct region *r = &t->entry[i];
        uint64_t low = r->start > start ? r->start : start, high = r->end < end ? r->end : end;
        if (region_outside(r)) {
            stale = true;
            if (r->kind == REGION_FILE && r->file >= 0 && nfiles < 16 &&
                (!nfiles || file[nfiles - 1] != r->file))
                file[nfiles++] = r->file;
        } else if (memory_file_fd >= 0) {
            punch_memory_file(low, high - low);
        }
    }
    regions_begin(t);
    regions_remove(t, start, end);
    regions_end(t);
    drop_files(file, nfiles);
    if (stale) /* the last mapping of a file or segment is what keeps it: it must be gone at once */
        home->forget(start, end - start, true);
}

void memory_enter_region(const struct region *region) {
    struct regions *t = memory_regions();
    regions_begin(t);
    regions_add(t, region);
    regions_end(t);
}

static void enter_region(const struct mapping *m, enum region_kind kind, int32_t file) {
    const struct region region = {.start = m->start,
                                  .end = m->start + m->size,
                                  .offset = m->offset,
                                  .protection = (uint32_t)m->protection,
                                  .kind = kind,
                                  .file = file};
    memory_enter_region(&region);
}

/* Reads a file into memory that is mapped writable. 0 or a negative errno. */
static long read_in(const struct mapping *m) {
    size_t done = 0;
    while (done < m->size) {
        long n = KERNEL(NR_pread64, m->fd, m->start + done, m->size - done, m->offset + done);
        if (n == -E_INTR)
            continue;
        if (n < 0)
            return n;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return 0;
}

static long map_natively(const struct mapping *m, int flags, int fd, uint64_t offset) {
    long r = KERNEL(NR_mmap, m->start, m->size, m->protection, flags | MAP_FIXED, fd, offset);
    return is_error(r) ? r : 0;
}

/* A private mapping, anonymous or of a file, while memory is private to the process. */
static long map_private(const struct mapping *m) {
    long r = map_natively(m, (m->flags & ~(MAP_TYPE | MAP_FIXED_NOREPLACE)) | MAP_PRIVATE, m->fd, m->offset);
    if (r)
        return r;
    memory_forget_range(m->start, m->start + m->size);
    enter_region(m, m->flags & MAP_ANONYMOUS ? REGION_PRIVATE : REGION_COPY, -1);
    return 0;
}

/* The same once memory is shared: it is part of the memory file, and a file's contents are copied. */
static long map_in_memory_file(const struct mapping *m) {
    bool fill = !(m->flags & MAP_ANONYMOUS);
    if (fill) { /* before anything is changed, see whether the file can be read at all */
        uint64_t probe;
        long n = KERNEL(NR_pread64, m->fd, &probe, 1, m->offset);
        if (n < 0)
            return n == -E_BADF ? -E_BADF : -E_NODEV;
    }
    long r = map_memory_file(m->start, m->size, fill ? PROT_READ | PROT_WRITE : m->protection);
    if (r)
        return r;
    memory_forget_range(m->start, m->start + m->size);
    enter_region(m, REGION_PRIVATE, -1);
    if (fill) {
        r = read_in(m);
        KERNEL(NR_mprotect, m->start, m->size, m->protection);
    }
    return r;
}

/* A shared mapping of a file; anonymous ones get a file of their own. */
static long map_shared(const struct mapping *m) {
    struct mapping own = *m;
    int file;
    if (m->flags & MAP_ANONYMOUS) {
        file = descriptors_keep((int)KERNEL(NR_memfd_create, "popcorn-shared", MFD_CLOEXEC));
        if (file < 0)
            return file;
        long r = KERNEL(NR_ftruncate, file, m->size);
        if (r < 0) {
            descriptors_drop(file);
            return r;
        }
        own.fd = file;
        own.offset = 0;
        own.flags &= ~MAP_ANONYMOUS;
    } else {
        file = descriptors_keep_path(m->fd);
    }
    long r = map_natively(&own, own.flags & ~MAP_FIXED_NOREPLACE, own.fd, own.offset);
    if (r) {
        descriptors_drop(file);
        return r;
    }
    memory_forget_range(m->start, m->start + m->size);
    enter_region(&own, REGION_FILE, file);
    return 0;
}

/*
 * Nothing is mapped just below the main thread's data stack but where the program wants it by all means:
 * programs tell an overflow from other faults by memory that is not there.
 */
static bool is_free(uint64_t start, uint64_t end) {
    uint64_t stack = popcorn_control()->main_stack.low;
    return !regions_any(memory_regions(), start, end) &&
           (start >= stack || end <= stack - LAYOUT_STACK_GUARD);
}

static uint64_t lowest_gap(uint64_t size) {
    const struct regions *t = memory_regions();
    uint64_t stack = popcorn_control()->main_stack.low;
    uint64_t found = stack ? regions_gap(t, LAYOUT_FIRST, stack - LAYOUT_STACK_GUARD, size) : 0;
    return found ? found : regions_gap(t, stack ? stack : LAYOUT_FIRST, POPCORN_ARENA_LIMIT, size);
}

/* Where the mapping shall be; a negative errno if nowhere. */
long memory_choose_place(uint64_t wanted, size_t size, int flags) {
    const struct regions *t = memory_regions();
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (wanted & (KERNEL_PAGE - 1))
            return -E_INVAL;
        if (!layout_in_arena(wanted, size) || regions_system(t, wanted, wanted + size))
            return -E_NOMEM;
        if ((flags & MAP_FIXED_NOREPLACE) && regions_any(t, wanted, wanted + size))
            return -E_EXIST;
        return (long)wanted;
    }
    wanted &= -KERNEL_PAGE;
    if (layout_in_arena(wanted, size) && is_free(wanted, wanted + size))
        return (long)wanted;
    uint64_t found = lowest_gap(size);
    return found ? (long)found : -E_NOMEM;
}

/*
 * What another machine's threads can reach is the device's memory alone: what nobody else has mapped becomes
 * part of it, and a file can be read only.
 */
static long share_among_machines(struct mapping *m) {
    if (!(m->flags & MAP_ANONYMOUS) && m->protection & PROT_WRITE)
        return -E_NODEV;
    m->flags = (m->flags & ~MAP_TYPE) | MAP_PRIVATE;
    return 0;
}

static long map_locked(uint64_t address, struct mapping *m) {
    long place = memory_choose_place(address, m->size, m->flags);
    if (is_error(place))
        return place;
    if (!regions_room(memory_regions()))
        return -E_NOMEM;
    m->start = (uint64_t)place;
    if (home_machines && memory_file_fd >= 0 && (m->flags & MAP_TYPE) != MAP_PRIVATE) {
        long r = share_among_machines(m);
        if (r)
            return r;
    }
    long r;
    if ((m->flags & MAP_TYPE) != MAP_PRIVATE)
        r = map_shared(m);
    else
        r = memory_file_fd < 0 ? map_private(m) : map_in_memory_file(m);
    /* Nodes may still have what was here before, readable and writable. */
    if (r == 0 && (~m->protection & (PROT_READ | PROT_WRITE)))
        home->forget(m->start, m->size, false);
    return r ? r : place;
}

long memory_mmap(uint64_t address, size_t size, int protection, int flags, int fd, uint64_t offset) {
    int type = flags & MAP_TYPE;
    if (!size || offset & (KERNEL_PAGE - 1) || type < MAP_SHARED || type > MAP_SHARED_VALIDATE)
        return -E_INVAL;
    if (page_up(size) < size)
        return -E_NOMEM;
    if (flags & MAP_HUGETLB)
        return -E_NOMEM;
    struct mapping m = {.size = page_up(size),
                        .protection = protection & (PROT_READ | PROT_WRITE | PROT_EXEC),
                        .flags = flags & ~MAP_GROWSDOWN,
                        .fd = flags & MAP_ANONYMOUS ? -1 : fd,
                        .offset = flags & MAP_ANONYMOUS ? 0 : offset};
    lock_take(&memory_lock);
    long r = map_locked(address, &m);
    lock_release(&memory_lock);
    return r;
}

static bool bad_range(uint64_t address, size_t size) {
    return address & (KERNEL_PAGE - 1) || !layout_in_arena(address, size);
}

static long unmap_locked(uint64_t start, size_t size) {
    const struct regions *t = memory_regions();
    if (regions_system(t, start, start + size))
        return -E_INVAL;
    if (!regions_room(t))
        return -E_NOMEM;
    long r = KERNEL(NR_munmap, start, size);
    if (r == 0) {
        memory_forget_range(start, start + size);
        home->forget(start, size, false);
    }
    return r;
}

long memory_munmap(uint64_t address, size_t size) {
    size = page_up(size);
    if (!size || bad_range(address, size))
        return -E_INVAL;
    lock_take(&memory_lock);
    long r = unmap_locked(address, size);
    lock_release(&memory_lock);
    return r;
}

static bool in_data(uint64_t address, size_t size) {
    uint64_t start = (uint64_t)__popcorn_data_start, end = (uint64_t)__popcorn_data_end;
    return address >= start && address < end && size <= end - address;
}

static long protect_locked(uint64_t start, size_t size, int protection) {
    struct regions *t = memory_regions();
    if (!regions_all(t, start, start + size))
        return -E_NOMEM;
    if (regions_system(t, start, start + size))
        return -E_ACCES;
    if (!regions_room(t))
        return -E_NOMEM;
    bool lowered = regions_lowered_by(t, start, start + size, (uint32_t)protection);
    long r = KERNEL(NR_mprotect, start, size, protection);
    if (r)
        return r;
    regions_begin(t);
    regions_protect(t, start, start + size, (uint32_t)protection);
    regions_end(t);
    if (lowered)
        home->forget(start, size, false);
    return 0;
}

long memory_mprotect(uint64_t address, size_t size, int protection) {
    if (page_up(size) < size)
        return -E_NOMEM;
    size = page_up(size);
    if (address & (KERNEL_PAGE - 1))
        return -E_INVAL;
    if (!size)
        return 0;
    if (in_data(address, size))
        return KERNEL(NR_mprotect, address, size, protection);
    if (bad_range(address, size))
        return -E_NOMEM;
    lock_take(&memory_lock);
    long r = protect_locked(address, size, protection & (PROT_READ | PROT_WRITE | PROT_EXEC));
    lock_release(&memory_lock);
    return r;
}

/* A mapping that is about to be made larger, or moved. */
struct resize {
    uint64_t old_start, new_start;
    size_t old_size, new_size;
    struct region region; /* as it was */
};

static struct mapping resized(const struct resize *z) {
    return (struct mapping){.start = z->new_start,
                            .size = z->new_size,
                            .protection = (int)z->region.protection,
                            .flags = MAP_PRIVATE | MAP_ANONYMOUS,
                            .fd = -1,
                            .offset = z->region.offset + (z->old_start - z->region.start)};
}

/* By the kernel: all mappings but those of the memory file. */
static long resize_natively(const struct resize *z) {
    int flags = z->new_start == z->old_start ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;
    long r = KERNEL(NR_mremap, z->old_start, z->old_size, z->new_size, flags, z->new_start);
    if (is_error(r))
        return r;
    memory_shuffles += flags != 0;
    struct mapping m = resized(z);
    struct regions *t = memory_regions();
    regions_begin(t); /* the descriptor stays in use: no memory_forget_range() for the old place */
    regions_remove(t, z->old_start, z->old_start + z->old_size);
    regions_remove(t, z->new_start, z->new_start + z->new_size);
    regions_end(t);
    enter_region(&m, z->region.kind, z->region.file);
    if (region_outside(&z->region))
        home->forget(z->old_start, z->old_size, false);
    return 0;
}

/* In the memory file a page's place is fixed by its address: contents are copied. */
static long resize_in_memory_file(const struct resize *z) {
    if (z->new_start == z->old_start) {
        struct mapping tail = resized(z);
        tail.start += z->old_size;
        tail.size -= z->old_size;
        return map_in_memory_file(&tail);
    }
    struct mapping m = resized(z);
    m.protection = PROT_READ | PROT_WRITE;
    long r = map_in_memory_file(&m);
    if (r)
        return r;
    if (!(z->region.protection & PROT_READ))
        KERNEL(NR_mprotect, z->old_start, z->old_size, PROT_READ);
    __builtin_memcpy((void *)z->new_start, (void *)z->old_start, z->old_size);
    if (m.protection != (int)z->region.protection)
        protect_locked(z->new_start, z->new_size, (int)z->region.protection);
    return unmap_locked(z->old_start, z->old_size);
}

/* The kernel moves only what is one mapping to it. All of it is moved, or nothing. */
static long move_pieces(uint64_t from, size_t size, uint64_t to) {
    long r = KERNEL(NR_mremap, from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    if (r != -E_FAULT || size == KERNEL_PAGE)
        return is_error(r) ? r : 0;
    size_t half = page_up(size / 2);
    r = move_pieces(from, half, to);
    if (r)
        return r;
    r = move_pieces(from + half, size - half, to + half);
    if (r)
        move_pieces(to, half, from);
    return r;
}

/* What came with a checkpoint: one mapping to the program, of any number to the kernel. */
static long resize_restored(const struct resize *z) {
    struct mapping tail = resized(z);
    tail.start += z->old_size;
    tail.size -= z->old_size;
    long r = tail.size ? map_private(&tail) : 0;
    if (r || z->new_start == z->old_start)
        return r;
    memory_elsewhere = true;
    memory_shuffles++;
    r = move_pieces(z->old_start, z->old_size, z->new_start);
    if (r) {
        if (tail.size)
            unmap_locked(tail.start, tail.size);
        return r;
    }
    struct region moved = z->region;
    moved.start = z->new_start;
    moved.end = z->new_start + z->old_size;
    moved.kind = REGION_COPY;
    moved.restored = 1;
    memory_forget_range(z->old_start, z->old_start + z->old_size);
    memory_enter_region(&moved);
    return 0;
}

static long resize(const struct resize *z) {
    if (memory_file_fd >= 0 && !region_outside(&z->region))
        return resize_in_memory_file(z);
    return regions_any_restored(memory_regions(), z->old_start, z->old_start + z->old_size)
               ? resize_restored(z)
               : resize_natively(z);
}

static long remap_locked(uint64_t address, size_t old_size, size_t new_size, int flags,
                         uint64_t new_address) {
    const struct regions *t = memory_regions();
    const struct region *region = regions_at(t, address);
    uint64_t end = address + old_size;
    if (!region || region->system || (region->end < end && !regions_anonymous(t, address, end)))
        return -E_FAULT;
    if (t->count + 6 > t->capacity)
        return -E_NOMEM;
    struct resize z = {address, address, old_size, new_size, *region};
    if (flags & MREMAP_FIXED) {
        long place = memory_choose_place(new_address, new_size, MAP_FIXED);
        if (is_error(place))
            return place;
        if (new_address < end && address < new_address + new_size)
            return -E_INVAL;
        if (regions_any(t, new_address, new_address + new_size))
            unmap_locked(new_address, new_size);
        if (new_size < old_size) {
            unmap_locked(address + new_size, old_size - new_size);
            z.old_size = new_size;
        }
        z.new_start = new_address;
    } else if (new_size <= old_size) {
        long r = new_size < old_size ? unmap_locked(address + new_size, old_size - new_size) : 0;
        return r ? r : (long)address;
    } else if (!layout_in_arena(address, new_size) || !is_free(end, address + new_size)) {
        if (!(flags & MREMAP_MAYMOVE))
            return -E_NOMEM;
        long place = memory_choose_place(0, new_size, 0);
        if (is_error(place))
            return place;
        z.new_start = (uint64_t)place;
    }
    long r = resize(&z);
    return r ? r : (long)z.new_start;
}

long memory_mremap(uint64_t address, size_t old_size, size_t new_size, int flags, uint64_t new_address) {
    bool fixed = flags & MREMAP_FIXED;
    old_size = page_up(old_size);
    new_size = page_up(new_size);
    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED) || (fixed && !(flags & MREMAP_MAYMOVE)))
        return -E_INVAL;
    if (!old_size || !new_size || address & (KERNEL_PAGE - 1))
        return -E_INVAL;
    if (!layout_in_arena(address, old_size))
        return -E_FAULT;
    lock_take(&memory_lock);
    long r = remap_locked(address, old_size, new_size, flags, new_address);
    lock_release(&memory_lock);
    return r;
}

/* Zeros in place of a checkpoint's pages, which come back if the kernel is told that nobody needs them. */
static void blank_restored(uint64_t start, size_t size, int protection) {
    long r = KERNEL(NR_mmap, start, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
                    -1, 0);
    if (is_error(r) && protection & PROT_WRITE)
        __builtin_memset((void *)start, 0, size);
}

/* Nobody needs what a region has from `start` to `end`. */
static long drop_pages(const struct region *r, uint64_t start, uint64_t end) {
    if (r->system)
        return -E_INVAL;
    if (memory_file_fd < 0 && !r->restored)
        return KERNEL(NR_madvise, start, end - start, MADV_DONTNEED);
    if (memory_file_fd < 0)
        blank_restored(start, end - start, (int)r->protection);
    else if (!region_outside(r))
        punch_memory_file(start, end - start);
    return 0;
}

long memory_madvise(uint64_t address, size_t size, int advice) {
    size = page_up(size);
    bool drops = advice == MADV_DONTNEED || advice == MADV_FREE;
    memory_merges |= advice == MADV_MERGEABLE;
    memory_stays |= advice == MADV_DONTFORK || advice == MADV_WIPEONFORK;
    if (!drops || bad_range(address, size) || (memory_file_fd < 0 && !memory_has_restored))
        return KERNEL(NR_madvise, address, size, advice);
    if (advice == MADV_FREE)
        return 0;
    lock_take(&memory_lock);
    const struct regions *t = memory_regions();
    long r = regions_all(t, address, address + size) ? 0 : -E_NOMEM;
    for (uint32_t i = regions_search(t, address); i < t->count && t->entry[i].start < address + size; i++) {
        const struct region *region = &t->entry[i];
        uint64_t low = region->start > address ? region->start : address;
        uint64_t high = region->end < address + size ? region->end : address + size;
        long dropped = drop_pages(region, low, high);
        r = dropped ? dropped : r;
    }
    lock_release(&memory_lock);
    return r;
}

uint64_t memory_reserve(size_t size) {
    long r = memory_mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return is_error(r) ? 0 : (uint64_t)r;
}

void memory_release(uint64_t address, size_t size) {
    memory_munmap(address, size);
}
