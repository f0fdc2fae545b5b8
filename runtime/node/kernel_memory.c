/* SPDX-License-Identifier: MIT */
/* The device as the program's portable memory. */
#include "memory/backing.h"
#include "memory/memory.h"
#include "node/device.h"
#include "node/digest.h"

bool kernel_moved;

/* Our own image's pages, as another file of the device is not the same memory: one file for the whole life.
 */
static int open_backing(void) {
    struct popcorn_origin origin = {.pages = DEVICE_PAGES};
    if (!digest_executable(origin.hash))
        return -E_NOEXEC;
    long r = device_ioctl(POPCORN_IOC_ORIGIN, &origin);
    return r ? (int)r : device_file;
}

/* The device cannot be written to: a part of it is mapped for a moment, and filled. */
static long write_backing(int file, uint64_t start, size_t size) {
    long window =
        KERNEL(NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, layout_file_offset(start));
    if (window < 0 && window >= -4095)
        return window;
    struct kernel_vector to = {(void *)window, size}, from = {(void *)start, size};
    long n = KERNEL(NR_process_vm_readv, KERNEL(NR_getpid), &to, 1, &from, 1, 0);
    KERNEL(NR_munmap, window, size);
    return n;
}

static void punch_backing(int file, uint64_t start, size_t size) {
    struct popcorn_range range = {layout_file_offset(start) / KERNEL_PAGE, size / KERNEL_PAGE};
    KERNEL(NR_ioctl, file, POPCORN_IOC_DISCARD, &range);
}

static long present_in_backing(int file, uint64_t *start, uint64_t *end) {
    uint64_t base = *start - layout_file_offset(*start);
    struct popcorn_range range = {layout_file_offset(*start) / KERNEL_PAGE, (*end - *start) / KERNEL_PAGE};
    long r = range.count ? KERNEL(NR_ioctl, file, POPCORN_IOC_PRESENT, &range) : 0;
    if (r)
        return r;
    *start = range.count ? base + range.index * KERNEL_PAGE : *end;
    *end = *start + range.count * KERNEL_PAGE;
    return 0;
}

static const struct memory_backing device_backing = {
    .open = open_backing, .write = write_backing, .present = present_in_backing, .punch = punch_backing};

static bool is_portable(uint64_t address) {
    return layout_in_arena(address, 1) || (address >= POPCORN_DATA_BASE && address < POPCORN_DATA_LIMIT);
}

bool kernel_lost(uint64_t address) {
    return (kernel_moved || !home_here) && is_portable(address);
}

void kernel_memory_start(void) {
    memory_backing = &device_backing;
}
