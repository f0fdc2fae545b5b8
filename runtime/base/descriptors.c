/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>

#include "base/descriptors.h"
#include "base/kernel.h"
#include "base/text.h"

#define COUNT 256
#define HIGHEST 65536
#define LOW 16

static int base;
static _Atomic uint64_t own[COUNT / 64];
static _Atomic int low[LOW]; /* those for which no such number was free, each plus 1 */

void descriptors_start(void) {
    uint64_t limit[2] = {1024, 1024};
    KERNEL(NR_prlimit64, 0, 7, 0, limit);
    uint64_t end = limit[0] < HIGHEST ? limit[0] : HIGHEST;
    base = end > COUNT + 64 ? (int)(end - COUNT) : (int)(end / 2);
}

/* Puts one in the place of another among those of low numbers; 0 is none. */
static bool exchange_low(int one, int other) {
    for (int i = 0; i < LOW; i++) {
        int expected = one;
        if (atomic_compare_exchange_strong(&low[i], &expected, other))
            return true;
    }
    return false;
}

static bool is_low(int fd) {
    for (int i = 0; i < LOW; i++)
        if (atomic_load(&low[i]) == fd + 1)
            return true;
    return false;
}

bool descriptors_own(int fd) {
    int i = fd - base;
    return (i >= 0 && i < COUNT && atomic_load(&own[i / 64]) >> (i % 64) & 1) || (fd >= 0 && is_low(fd));
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
    if (high < 0) { /* no such number is free, or the program has lowered its limit: a low one does as well */
        KERNEL(NR_fcntl, fd, FCNTL_SETFD, 1);
        exchange_low(0, fd + 1);
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
    if (!exchange_low(fd + 1, 0) && descriptors_own(fd))
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

/* The lowest of them from `first` on, or ~0. */
static unsigned next_own(unsigned first) {
    unsigned next = ~0U;
    for (unsigned fd = (unsigned)base + COUNT; fd-- > (unsigned)base && fd >= first;)
        next = descriptors_own((int)fd) ? fd : next;
    for (int i = 0; i < LOW; i++) {
        unsigned fd = (unsigned)atomic_load(&low[i]) - 1; /* none is ~0 */
        next = fd >= first && fd < next ? fd : next;
    }
    return next;
}

long descriptors_close_range(unsigned first, unsigned last, unsigned flags) {
    if (first > last)
        return -E_INVAL;
    for (unsigned own_fd; (own_fd = next_own(first)) <= last && own_fd != ~0U; first = own_fd + 1) {
        long r = own_fd > first ? KERNEL(NR_close_range, first, own_fd - 1, flags) : 0;
        if (r || own_fd == last)
            return r;
    }
    return KERNEL(NR_close_range, first, last, flags);
}
