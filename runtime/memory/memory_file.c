/* SPDX-License-Identifier: MIT */
/* The memory file, which backs portable memory for processes on this machine. */
#include "base/descriptors.h"
#include "memory/internal.h"

/* A limit on file sizes would end the process with SIGXFSZ. */
static bool file_size_allowed(void) {
    uint64_t limit[2];
    return KERNEL(NR_prlimit64, 0, 1, 0, limit) == 0 && limit[0] >= LAYOUT_FILE_SIZE;
}

static int open_file(void) {
    if (!file_size_allowed())
        return -E_NOMEM;
    int file = descriptors_keep((int)KERNEL(NR_memfd_create, "popcorn-memory", MFD_CLOEXEC));
    long r = file < 0 ? file : KERNEL(NR_ftruncate, file, LAYOUT_FILE_SIZE);
    if (r == 0)
        return file;
    descriptors_drop(file);
    return (int)r;
}

static long write_file(int file, uint64_t start, size_t size) {
    return KERNEL(NR_pwrite64, file, start, size, layout_file_offset(start));
}

static void punch_file(int file, uint64_t start, size_t size) {
    KERNEL(NR_fallocate, file, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, layout_file_offset(start), size);
}

static long present_in_file(int file, uint64_t *start, uint64_t *end) {
    uint64_t base = *start - layout_file_offset(*start), limit = *end - base;
    long data = KERNEL(NR_lseek, file, *start - base, SEEK_TO_DATA);
    if (data == -E_NXIO || (data >= 0 && (uint64_t)data >= limit)) { /* only a hole is left */
        *start = *end;
        return 0;
    }
    long hole = data < 0 ? data : KERNEL(NR_lseek, file, data, SEEK_TO_HOLE);
    if (hole < 0)
        return hole;
    *start = base + (uint64_t)data;
    *end = base + ((uint64_t)hole < limit ? (uint64_t)hole : limit);
    return 0;
}

const struct memory_backing memory_file_backing = {.open = open_file,
                                                   .write = write_file,
                                                   .inherited = true,
                                                   .present = present_in_file,
                                                   .punch = punch_file};
const struct memory_backing *memory_backing = &memory_file_backing;
