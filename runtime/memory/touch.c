/* SPDX-License-Identifier: MIT */
/*
 * Portable memory in a node's process: the origin's table says what is where, and a part is mapped when it is
 * touched first. In pieces, since qemu-user keeps a note for every page that is mapped.
 */
#include "base/home.h"
#include "base/message.h"
#include "base/text.h"
#include "memory/internal.h"
#include "popcorn/control.h"

#define PIECE (64UL << 20)

/*
 * Over this process's mappings of the arena, so that what is mapped by the table as it was before a change
 * has been mapped when the change's memory_forget() comes; and how often that came.
 */
static struct popcorn_lock mapping;
static uint32_t forgotten;

int memory_join(int file) {
    memory_file_fd = file;
    long r = map_memory_file(POPCORN_ARENA_BASE, LAYOUT_SYSTEM_SIZE, PROT_READ | PROT_WRITE);
    uint64_t start = (uint64_t)__popcorn_data_start, end = (uint64_t)__popcorn_data_end;
    if (r == 0 && start < end)
        r = map_memory_file(start, end - start, PROT_READ | PROT_WRITE);
    return (int)r;
}

/* Of which pieces of the arena there may be something mapped. */
static _Atomic uint64_t touched[(POPCORN_ARENA_LIMIT - POPCORN_ARENA_BASE) / PIECE / 64];

static uint64_t piece_number(uint64_t address) {
    return (address - POPCORN_ARENA_BASE) / PIECE;
}

static void note_piece(uint64_t address) {
    uint64_t n = piece_number(address);
    atomic_fetch_or(&touched[n / 64], 1UL << n % 64);
}

static bool piece_touched(uint64_t address) {
    uint64_t n = piece_number(address);
    return atomic_load(&touched[n / 64]) >> n % 64 & 1;
}

/* The region at an address, as it is at one moment. False if there is none. */
static bool look_up(uint64_t address, struct region *out) {
    const struct regions *t = memory_regions();
    for (;;) {
        uint32_t before = atomic_load(&t->sequence);
        const struct region *found = regions_at(t, address);
        if (found)
            *out = *found;
        atomic_thread_fence(memory_order_acquire);
        if (!(before & 1) && atomic_load(&t->sequence) == before)
            return found != NULL;
    }
}

static long map_file(const struct region *r) {
    char path[64];
    struct text text = text_begin(path, sizeof path);
    text_string(&text, "/proc/");
    text_signed(&text, popcorn_control()->pid);
    text_string(&text, "/fd/");
    text_signed(&text, r->file);
    bool writable = r->protection & PROT_WRITE;
    long fd = KERNEL(NR_openat, AT_CWD, path, (writable ? OPEN_RDWR : OPEN_RDONLY) | OPEN_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    long m =
        KERNEL(NR_mmap, r->start, r->end - r->start, r->protection, MAP_SHARED | MAP_FIXED, fd, r->offset);
    KERNEL(NR_close, fd);
    return is_error(m) ? m : 0;
}

static long map_outside(const struct region *region) {
    if (home_machines)
        popcorn_fatal("a thread on another machine touched a shared mapping of a file", 70);
    return region->kind == REGION_FILE ? map_file(region) : segment_map(region);
}

/* A part of a region is mapped at once: the piece that holds the address. */
static long map_piece(const struct region *r, uint64_t address) {
    uint64_t low = address & -PIECE, high = low + PIECE;
    low = r->start > low ? r->start : low;
    high = r->end < high ? r->end : high;
    note_piece(address);
    return map_memory_file(low, high - low, (int)r->protection);
}

int memory_rejoin(int file) {
    long r = memory_join(file);
    const struct regions *t = memory_regions();
    atomic_store(&mapping.word, 0); /* whoever held it is not here */
    for (uint32_t i = 0; i < t->count && r == 0; i++) {
        const struct region *region = &t->entry[i];
        for (uint64_t at = region->start; at < region->end && r == 0; at = (at & -PIECE) + PIECE)
            if (!region_outside(region) && piece_touched(at))
                r = map_piece(region, at);
    }
    return (int)r;
}

/* The thread cannot go on, and it is not the program's fault. */
static _Noreturn void cannot_map(long error) {
    char line[128];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "a node's process cannot map the program's memory: ");
    text_string(&t, text_error((int)-error));
    popcorn_fatal(line, 70);
}

/*
 * Is the access that has failed one that the program may not make? It is if this thread mapped the page for
 * it as the table says, and since then neither has the table changed, so that others mapped by it too, nor
 * anything been forgotten. Otherwise the page may have got lost again, or its protection may have been
 * raised.
 */
static bool forbidden(const struct memory_try *now, const struct memory_try *last) {
    return last->address == now->address && last->sequence == now->sequence &&
           last->forgotten == now->forgotten;
}

/* 1: the access is worth trying; 0: it is the program's fault; or a negative errno. */
static long touch(uint64_t address, struct memory_try *last) {
    struct memory_try now = {address, atomic_load(&memory_regions()->sequence), forgotten};
    struct region region;
    if (!look_up(address, &region) || region.protection == PROT_NONE || forbidden(&now, last))
        return 0;
    *last = now;
    long r = region_outside(&region) ? map_outside(&region) : map_piece(&region, address);
    if (r == -E_NOENT || r == -E_SRCH) /* the origin, or the mapping, has just ended */
        return 0;
    return r ? r : 1;
}

bool memory_touch(uint64_t address, struct memory_try *last) {
    if (!layout_in_arena(address, 1))
        return false;
    uint64_t blocked = lock_take_blocked(&mapping);
    long r = touch(address, last);
    lock_release_blocked(&mapping, blocked);
    if (r < 0)
        cannot_map(r);
    return r == 1;
}

uint64_t memory_begin_of(uint64_t address) {
    struct region region;
    return layout_in_arena(address, 1) && look_up(address, &region) ? region.start : 0;
}

bool memory_of_file(uint64_t address) {
    struct region region;
    return layout_in_arena(address, 1) && look_up(address, &region) && region_outside(&region);
}

bool memory_has_files(void) {
    const struct regions *t = memory_regions();
    for (;;) {
        uint32_t before = atomic_load(&t->sequence);
        bool found = false;
        for (uint32_t i = 0; i < t->count && !found; i++)
            found = region_outside(&t->entry[i]);
        atomic_thread_fence(memory_order_acquire);
        if (!(before & 1) && atomic_load(&t->sequence) == before)
            return found;
    }
}

void memory_forget(uint64_t address, size_t size) {
    uint64_t blocked = lock_take_blocked(&mapping);
    forgotten++;
    KERNEL(NR_munmap, address, size);
    lock_release_blocked(&mapping, blocked);
}
