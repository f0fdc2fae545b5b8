/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>

#include "base/descriptors.h"
#include "base/kernel.h"
#include "base/text.h"

#define COUNT 256
#define HIGHEST 65536

static int base;
static _Atomic uint64_t own[COUNT / 64];

void descriptors_start(void) {
    uint64_t limit[2] = {1024, 1024};
    KERNEL(NR_prlimit64, 0, 7, 0, limit);
    uint64_t end = limit[0] < HIGHEST ? limit[0] : HIGHEST;
    base = end > COUNT + 64 ? (int)(end - COUNT) : (int)(end / 2);
}

bool descriptors_own(int fd) {
    int i = fd - base;
    return i >= 0 && i < COUNT && atomic_load(&own[i / 64]) >> (i % 64) & 1;
}

static void mark(int fd) {
    int i = fd - base;
    if (i >= 0 && i < COUNT)
        atomic_fetch_or(&own[i / 64], 1ULL << (i % 64));
}

int descriptors_keep(int fd) {
    if (fd < 0)
        return fd;
    long high = KERNEL(NR_fcntl, fd, FCNTL_DUPFD_CLOEXEC, base);
    if (high < 0) { /* no such number is free: a low one does as well, but the program can see it */
        KERNEL(NR_fcntl, fd, FCNTL_SETFD, 1);
        return fd;
    }
    mark((int)high);
    KERNEL(NR_close, fd);
    return (int)high;
}

int descriptors_keep_path(int fd) {
    char path[64];
    struct text text = text_begin(path, sizeof path);
    text_string(&text, "/proc/self/fd/");
    text_signed(&text, fd);
    return descriptors_keep((int)KERNEL(NR_openat, AT_CWD, path, OPEN_PATH | OPEN_CLOEXEC, 0));
}

void descriptors_drop(int fd) {
    int i = fd - base;
    if (fd < 0)
        return;
    if (descriptors_own(fd))
        atomic_fetch_and(&own[i / 64], ~(1ULL << (i % 64)));
    KERNEL(NR_close, fd);
}

long descriptors_close(int fd) {
    return descriptors_own(fd) ? -E_BADF : KERNEL(NR_close, fd);
}

long descriptors_dup3(int fd, int to, int flags) {
    if (descriptors_own(fd) || descriptors_own(to))
        return -E_BADF;
    return KERNEL(NR_dup3, fd, to, flags);
}

long descriptors_close_range(unsigned first, unsigned last, unsigned flags) {
    if (first > last)
        return -E_INVAL;
    for (unsigned fd = (unsigned)base; fd < (unsigned)base + COUNT && fd <= last; fd++) {
        if (fd < first || !descriptors_own((int)fd))
            continue;
        if (fd > first) {
            long r = KERNEL(NR_close_range, first, fd - 1, flags);
            if (r)
                return r;
        }
        first = fd + 1;
    }
    return first <= last ? KERNEL(NR_close_range, first, last, flags) : 0;
}
