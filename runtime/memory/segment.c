/* SPDX-License-Identifier: MIT */
/*
 * Segments of System V shared memory. The kernel knows them by number on the whole machine, so a node's
 * process attaches the same one when it touches it.
 */
#include "base/home.h"
#include "memory/internal.h"

#define ATTACH_READ 010000  /* SHM_RDONLY */
#define ATTACH_ROUND 020000 /* SHM_RND */
#define ATTACH_OVER 040000  /* SHM_REMAP */
#define ATTACH_RUN 0100000  /* SHM_EXEC */

static long size_of(int id, uint64_t *size) {
    struct kernel_segment segment;
    long r = KERNEL(NR_shmctl, id, IPC_STAT, &segment);
    *size = r < 0 ? 0 : page_up(segment.size);
    return r < 0 ? r : 0;
}

static long attach_locked(int id, uint64_t address, uint64_t size, int flags) {
    int fixed = flags & ATTACH_OVER ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    if (home_machines && memory_file_fd >= 0) /* other machines have no such segment */
        return -E_NODEV;
    if (!regions_room(memory_regions()))
        return -E_NOMEM;
    long place = memory_choose_place(address, size, address ? fixed : 0);
    if (is_error(place))
        return place == -E_EXIST ? -E_INVAL : place;
    long r = KERNEL(NR_shmat, id, place, flags | ATTACH_OVER);
    if (is_error(r))
        return r;
    struct region region = {.start = (uint64_t)place,
                            .end = (uint64_t)place + size,
                            .protection = PROT_READ | (flags & ATTACH_READ ? 0 : PROT_WRITE) |
                                          (flags & ATTACH_RUN ? PROT_EXEC : 0),
                            .kind = REGION_SEGMENT,
                            .file = id};
    memory_forget_range(region.start, region.end);
    memory_enter_region(&region);
    home->forget(region.start, size, false); /* nodes may still have what was here before */
    return place;
}

long memory_shmat(int id, uint64_t address, int flags) {
    uint64_t size;
    if (flags & ATTACH_ROUND)
        address &= -KERNEL_PAGE;
    if (address & (KERNEL_PAGE - 1) || (flags & ATTACH_OVER && !address))
        return -E_INVAL;
    long r = size_of(id, &size);
    if (r)
        return r;
    lock_take(&memory_lock);
    r = attach_locked(id, address, size, flags & ~ATTACH_ROUND);
    lock_release(&memory_lock);
    return r;
}

/* What is left of the segment that was attached at the address: the program may have unmapped parts. */
static const struct region *part_of(uint64_t address) {
    const struct regions *t = memory_regions();
    for (uint32_t i = regions_search(t, address); i < t->count; i++)
        if (t->entry[i].kind == REGION_SEGMENT && t->entry[i].start - t->entry[i].offset == address)
            return &t->entry[i];
    return NULL;
}

long memory_shmdt(uint64_t address) {
    lock_take(&memory_lock);
    const struct region *part = part_of(address);
    long r = part ? KERNEL(NR_shmdt, address) : -E_INVAL;
    for (; r == 0 && part; part = part_of(address))
        memory_forget_range(part->start, part->end);
    lock_release(&memory_lock);
    return r;
}

/* On a node. The region may be a part of the segment: all of it is attached elsewhere, and the part moved. */
long segment_map(const struct region *region) {
    bool writable = region->protection & PROT_WRITE, runs = region->protection & PROT_EXEC;
    uint64_t size = region->end - region->start;
    long whole = KERNEL(NR_shmat, region->file, 0, (writable ? 0 : ATTACH_READ) | (runs ? ATTACH_RUN : 0));
    if (is_error(whole))
        return whole;
    long r = KERNEL(NR_mremap, (uint64_t)whole + region->offset, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
                    region->start);
    KERNEL(NR_shmdt, whole); /* the rest, if there is any */
    return is_error(r) ? r : KERNEL(NR_mprotect, region->start, size, region->protection);
}
