/* SPDX-License-Identifier: MIT */
/* Finds clock_gettime and time in the vDSO: an ELF library in memory whose dynamic symbols are looked
 * through. */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/text.h"
#include "popcorn/container.h"

#define AUX_NULL 0
#define AUX_SYSINFO_EHDR 33
#define SECOND 1000000000L /* nanoseconds */

enum { SEGMENT_LOAD = 1, SEGMENT_DYNAMIC = 2 };
enum { TAG_NULL = 0, TAG_HASH = 4, TAG_STRINGS = 5, TAG_SYMBOLS = 6 };

struct symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

struct dynamic {
    uint64_t tag, value;
};

struct library {
    uint64_t base; /* to be added to its addresses */
    const struct symbol *symbols;
    const char *strings;
    const uint32_t *hash; /* nbucket, nchain, …: nchain is the number of symbols */
};

typedef long clock_function(long clock, struct kernel_time *);
typedef long time_function(long *);
static clock_function *fast;
static time_function *fast_seconds; /* not every machine's has it */

static bool open_library(struct library *l, uint64_t at) {
    const struct popcorn_elf_header *eh = (const void *)at;
    const struct popcorn_elf_segment *ph = (const void *)(at + eh->phoff);
    const struct dynamic *d = NULL;
    bool loaded = false;
    for (int i = 0; i < eh->phnum; i++) {
        if (ph[i].type == SEGMENT_LOAD && !loaded) {
            l->base = at + ph[i].offset - ph[i].vaddr;
            loaded = true;
        } else if (ph[i].type == SEGMENT_DYNAMIC) {
            d = (const void *)(at + ph[i].offset);
        }
    }
    for (; d && d->tag != TAG_NULL; d++) {
        const void *value = (const void *)(l->base + d->value);
        if (d->tag == TAG_HASH)
            l->hash = value;
        else if (d->tag == TAG_STRINGS)
            l->strings = value;
        else if (d->tag == TAG_SYMBOLS)
            l->symbols = value;
    }
    return loaded && l->hash && l->strings && l->symbols;
}

void clock_start(const unsigned long *auxv) {
    struct library l = {0};
    for (; auxv[0] != AUX_NULL; auxv += 2)
        if (auxv[0] == AUX_SYSINFO_EHDR && auxv[1] && !open_library(&l, auxv[1]))
            return;
    for (uint32_t i = 0; l.hash && i < l.hash[1]; i++) {
        const char *name = l.strings + l.symbols[i].name;
        uint64_t at = l.base + l.symbols[i].value;
        if (!l.symbols[i].section)
            continue;
        if (text_equal(name, "__vdso_clock_gettime") || text_equal(name, "__kernel_clock_gettime"))
            fast = (clock_function *)at;
        else if (text_equal(name, "__vdso_time"))
            fast_seconds = (time_function *)at;
    }
}

static long read_clock(long clock, struct kernel_time *out) {
    return fast ? fast(clock, out) : KERNEL(NR_clock_gettime, clock, out);
}

struct kernel_time clock_time_of(int64_t nanoseconds) {
    return (struct kernel_time){nanoseconds / SECOND, nanoseconds % SECOND};
}

int64_t clock_nanoseconds_of(const struct kernel_time *t) {
    return t->seconds < INT64_MAX / SECOND / 2 ? t->seconds * SECOND + t->nanoseconds : INT64_MAX / 2;
}

bool clock_is_time(const struct kernel_time *t) {
    return t->seconds >= 0 && t->nanoseconds >= 0 && t->nanoseconds < SECOND;
}

/*
 * Another machine's clocks are not the origin's. A thread that comes brings the origin's time with it, which
 * was not later than now: the greatest difference seen so far never lets a thread's time run back, there or
 * after its return.
 */
static _Atomic int64_t behind[CLOCK_STAMPS]; /* nanoseconds to add here, by clock */

int64_t clock_nanoseconds(void) {
    struct kernel_time now = {0, 0};
    clock_gettime_here(CLOCK_MONOTONIC, &now);
    return clock_nanoseconds_of(&now);
}

void clock_stamp(int64_t stamp[CLOCK_STAMPS]) {
    for (int clock = 0; clock < CLOCK_STAMPS; clock++) {
        struct kernel_time now = {0, 0};
        clock_gettime_here(clock, &now);
        stamp[clock] = clock_nanoseconds_of(&now);
    }
}

void clock_meet(const int64_t stamp[CLOCK_STAMPS], bool first) {
    for (int clock = 0; clock < CLOCK_STAMPS; clock++) {
        struct kernel_time now = {0, 0};
        read_clock(clock, &now);
        int64_t difference = stamp[clock] - clock_nanoseconds_of(&now), known = atomic_load(&behind[clock]);
        while ((first || difference > known) &&
               !atomic_compare_exchange_weak(&behind[clock], &known, difference))
            ;
    }
}

/* Which stamp is of a clock, or -1. */
static int stamp_of(long clock) {
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        return CLOCK_REALTIME;
    return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE ? CLOCK_MONOTONIC : -1;
}

long clock_gettime_here(long clock, struct kernel_time *out) {
    long r = read_clock(clock, out);
    int which = stamp_of(clock);
    int64_t add = which < 0 ? 0 : atomic_load(&behind[which]);
    if (r == 0 && add)
        *out = clock_time_of(clock_nanoseconds_of(out) + add);
    return r;
}

/* Libc's way to it, without the dispatcher of system calls: nothing of the thread matters for these clocks.
 */
long __popcorn_clock(long clock, struct kernel_time *);
long __popcorn_clock(long clock, struct kernel_time *out) {
    return clock_gettime_here(clock, out);
}

/* The second that began last, by the clock that the kernel keeps for this. */
long __popcorn_time(void);
long __popcorn_time(void) {
    struct kernel_time now = {0, 0};
    if (fast_seconds && !atomic_load(&behind[CLOCK_REALTIME]))
        return fast_seconds(NULL);
    clock_gettime_here(CLOCK_REALTIME_COARSE, &now);
    return now.seconds;
}

void clock_take_back(struct kernel_time *t, int64_t ahead) {
    if (!clock_is_time(t) || (!t->seconds && !t->nanoseconds))
        return;
    int64_t then = clock_nanoseconds_of(t) - ahead;
    *t = clock_time_of(then > 0 ? then : 1);
}

int64_t clock_ahead(long clock) {
    int which = stamp_of(clock);
    return which < 0 ? 0 : atomic_load(&behind[which]);
}
