/* SPDX-License-Identifier: MIT */
/* XXH64, the hash of checkpoints: 64 bits, against damage, not against an enemy. Needs no libc. */
#ifndef POPCORN_XXH64_H
#define POPCORN_XXH64_H

#include <stddef.h>
#include <stdint.h>

#define XXH64_1 0x9e3779b185ebca87ULL
#define XXH64_2 0xc2b2ae3d27d4eb4fULL
#define XXH64_3 0x165667b19e3779f9ULL
#define XXH64_4 0x85ebca77c2b2ae63ULL
#define XXH64_5 0x27d4eb2f165667c5ULL

/* Bytes ahead that are called for: processors do not read on by themselves behind the end of a page. */
#define XXH64_AHEAD 4096

static inline uint64_t xxh64_rotate(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

static inline uint64_t xxh64_word(const uint8_t *p) {
    uint64_t word;
    __builtin_memcpy(&word, p, sizeof word);
    return word;
}

static inline uint64_t xxh64_round(uint64_t lane, uint64_t word) {
    return xxh64_rotate(lane + word * XXH64_2, 31) * XXH64_1;
}

static inline uint64_t xxh64_merge(uint64_t hash, uint64_t lane) {
    return (hash ^ xxh64_round(0, lane)) * XXH64_1 + XXH64_4;
}

/* What is left of the last 32 bytes, and the last mixing. */
static inline uint64_t xxh64_end(uint64_t hash, const uint8_t *p, size_t size) {
    for (; size >= 8; p += 8, size -= 8)
        hash = xxh64_rotate(hash ^ xxh64_round(0, xxh64_word(p)), 27) * XXH64_1 + XXH64_4;
    if (size >= 4) {
        uint32_t half;
        __builtin_memcpy(&half, p, sizeof half);
        hash = xxh64_rotate(hash ^ half * XXH64_1, 23) * XXH64_2 + XXH64_3;
        p += 4;
        size -= 4;
    }
    for (; size; p++, size--)
        hash = xxh64_rotate(hash ^ *p * XXH64_5, 11) * XXH64_1;
    hash = (hash ^ hash >> 33) * XXH64_2;
    hash = (hash ^ hash >> 29) * XXH64_3;
    return hash ^ hash >> 32;
}

static inline uint64_t xxh64(const void *bytes, size_t size, uint64_t seed) {
    const uint8_t *p = bytes;
    size_t left = size;
    uint64_t hash = seed + XXH64_5;
    if (size >= 32) {
        uint64_t a = seed + XXH64_1 + XXH64_2, b = seed + XXH64_2, c = seed, d = seed - XXH64_1;
        for (; left >= 32; p += 32, left -= 32) {
            __builtin_prefetch((const void *)((uintptr_t)p + XXH64_AHEAD));
            a = xxh64_round(a, xxh64_word(p));
            b = xxh64_round(b, xxh64_word(p + 8));
            c = xxh64_round(c, xxh64_word(p + 16));
            d = xxh64_round(d, xxh64_word(p + 24));
        }
        hash = xxh64_rotate(a, 1) + xxh64_rotate(b, 7) + xxh64_rotate(c, 12) + xxh64_rotate(d, 18);
        hash = xxh64_merge(xxh64_merge(xxh64_merge(xxh64_merge(hash, a), b), c), d);
    }
    return xxh64_end(hash + size, p, left);
}

#endif
