/* SPDX-License-Identifier: MIT */
/* mem*: copying, filling, comparing, searching. */
#include "bench.h"

enum { MOST = 1 << 17 };
static char from[MOST + 64] __attribute__((aligned(64))), to[MOST + 64] __attribute__((aligned(64)));

static void copy(long calls, size_t size) {
    for (long i = 0; i < calls; i++)
        used(memcpy(hidden(&to[i & 15]), hidden(&from[i & 7]), hidden(size)));
}

/* Sizes as programs have them: short ones, seldom twice the same. */
static void copy_mixed(long calls, size_t size) {
    uint32_t random = 1;
    for (long i = 0; i < calls; i++) {
        random = random * 1664525 + 1013904223;
        used(memcpy(hidden(&to[i & 15]), hidden(&from[i & 7]), hidden((random >> 8) % size)));
    }
}

static void move(long calls, size_t size) {
    for (long i = 0; i < calls; i++)
        used(memmove(hidden(&to[5]), hidden(&to[i & 15]), hidden(size)));
}

static void fill(long calls, size_t size) {
    for (long i = 0; i < calls; i++)
        used(memset(hidden(&to[i & 15]), hidden((int)i), hidden(size)));
}

static void compare(long calls, size_t size) {
    memset(from, 7, sizeof from);
    memset(to, 7, sizeof to);
    for (long i = 0; i < calls; i++)
        used(memcmp(hidden(&to[i & 15]), hidden(&from[i & 7]), hidden(size)));
}

static void find(long calls, size_t size) {
    memset(from, 7, sizeof from);
    for (long i = 0; i < calls; i++)
        used(memchr(hidden(&from[i & 15]), hidden(9), hidden(size)));
}

static void find_last(long calls, size_t size) {
    memset(from, 7, sizeof from);
    for (long i = 0; i < calls; i++)
        used(memrchr(hidden(&from[i & 15]), hidden(9), hidden(size)));
}

static void find_block(long calls, size_t size) {
    memset(from, 7, sizeof from);
    for (long i = 0; i < calls; i++)
        used(memmem(hidden(&from[i & 15]), hidden(size), hidden("\7\7\7\10"), hidden((size_t)4)));
}

const struct row rows[] = {
    {"memcpy 16", 60000000, copy, 16},
    {"memcpy mixed", 20000000, copy_mixed, 128},
    {"memcpy 4K", 3000000, copy, 4096},
    {"memcpy 128K", 40000, copy, MOST},
    {"memmove 16", 60000000, move, 16},
    {"memmove 4K", 3000000, move, 4096},
    {"memset 16", 60000000, fill, 16},
    {"memset 4K", 4000000, fill, 4096},
    {"memcmp 16", 60000000, compare, 16},
    {"memcmp 1K", 10000000, compare, 1024},
    {"memchr 16", 60000000, find, 16},
    {"memchr 1K", 15000000, find, 1024},
    {"memrchr 1K", 15000000, find_last, 1024},
    {"memmem 1K", 60000, find_block, 1024},
    {0},
};
