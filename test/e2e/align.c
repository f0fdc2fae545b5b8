/* SPDX-License-Identifier: MIT */
/* Over-aligned locals keep their alignment and their values. */
#include "e2e.h"

#include <stdalign.h>

struct line {
    alignas(64) char bytes[64];
};

static NOINLINE unsigned touch(void *p, size_t n) {
    unsigned char *b = p;
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        point();
        b[i] = (unsigned char)(i * 7);
        sum += b[i];
    }
    return sum;
}

static NOINLINE unsigned level(int depth) {
    alignas(32) char a[32];
    alignas(256) char b[40];
    struct line c;
    alignas(4096) char d[16];
    char odd[3];
    unsigned sum = touch(a, sizeof a) + touch(b, sizeof b) + touch(c.bytes, 8) + touch(d, sizeof d) +
                   touch(odd, sizeof odd);
    require((uintptr_t)a % 32 == 0 && (uintptr_t)b % 256 == 0 && (uintptr_t)&c % 64 == 0 &&
            (uintptr_t)d % 4096 == 0);
    if (depth)
        sum += level(depth - 1);
    point();
    return sum + (unsigned)(hash_bytes(a, sizeof a) ^ hash_bytes(d, sizeof d)) % 1000 + (unsigned char)odd[2];
}

int main(void) {
    static alignas(1024) char in_data[10] = {1};
    alignas(16) double vector[2] = {1.5, 2.5};
    require((uintptr_t)in_data % 1024 == 0);
    printf("levels %u\n", level(6));
    point();
    printf("vector %.1f %d\n", vector[0] + vector[1], (int)((uintptr_t)vector % 16));
    void *p = aligned_alloc(512, 1024);
    printf("heap %d %u\n", (int)((uintptr_t)p % 512), touch(p, 100));
    free(p);
    return 0;
}
