/* SPDX-License-Identifier: MIT */
/* What one sees in a block (machine/<isa>/block.h), for the functions that work block by block. */
#ifndef MACHINE_MARKS_H
#define MACHINE_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "block.h"
#include "popcorn/native_text.h"

#pragma clang attribute push(__attribute__((section(POPCORN_SECTION_PROGRAM))), apply_to = function)

typedef const unsigned char *bytes;

enum { PAGE = 4096 }; /* of every ISA the smallest */

static const uint64_t every_mark = BLOCK_MARKS;

static inline bytes block_of(const void *p) {
    return (bytes)((uintptr_t)p & -(uintptr_t)BLOCK_SIZE);
}

/* The four blocks from p, which is a block's beginning, on are four of an aligned row: none lies in another
 * page. */
static inline int begins_four(bytes p) {
    return (uintptr_t)p % (4 * BLOCK_SIZE) == 0;
}

/* Without the marks of the bytes before p. */
static inline uint64_t marks_from(uint64_t marks, const void *p) {
    return marks & ~(uint64_t)0 << (uintptr_t)p % BLOCK_SIZE * BLOCK_BITS;
}

/* Those up to the first of `last`, itself among them. */
static inline uint64_t marks_to(uint64_t marks, uint64_t last) {
    return marks & (last ^ (last - 1));
}

static inline size_t first_mark(uint64_t marks) {
    return (size_t)__builtin_ctzll(marks) / BLOCK_BITS;
}

static inline size_t last_mark(uint64_t marks) {
    return (size_t)(63 - __builtin_clzll(marks)) / BLOCK_BITS;
}

/* Without the first. */
static inline uint64_t marks_behind_first(uint64_t marks) {
    return marks & ~((((uint64_t)1 << BLOCK_BITS) - 1) << first_mark(marks) * BLOCK_BITS);
}

static inline uint64_t marks_equal(block a, block b) {
    return block_zeros(block_xor(a, b));
}

/* Has a zero byte where one of four blocks has one. */
static inline block min_of_four(bytes p) {
    return block_min(block_min(block_load(p), block_load(p + BLOCK_SIZE)),
                     block_min(block_load(p + 2 * BLOCK_SIZE), block_load(p + 3 * BLOCK_SIZE)));
}

/* Is there a byte of `wanted` in four blocks? */
static inline int wanted_in_four(bytes p, block wanted) {
    block a = block_min(block_xor(block_load(p), wanted), block_xor(block_load(p + BLOCK_SIZE), wanted));
    block b = block_min(block_xor(block_load(p + 2 * BLOCK_SIZE), wanted),
                        block_xor(block_load(p + 3 * BLOCK_SIZE), wanted));
    return block_zeros(block_min(a, b)) != 0;
}

/* The first byte of `wanted` in n bytes from s, or null; n may be more than there is, if the byte is there.
 */
static inline bytes find_first(bytes s, block wanted, size_t n) {
    if (!n)
        return NULL;
    bytes p = block_of(s), last = n - 1 > UINTPTR_MAX - (uintptr_t)s ? (bytes)UINTPTR_MAX : s + n - 1;
    uint64_t marks = marks_from(marks_equal(block_load(p), wanted), s);
    if (!marks) {
        size_t blocks = (size_t)(block_of(last) - p) / BLOCK_SIZE;
        for (; !marks && blocks && !begins_four(p + BLOCK_SIZE); blocks--)
            marks = marks_equal(block_load(p += BLOCK_SIZE), wanted);
        if (!marks)
            for (; blocks >= 4 && !wanted_in_four(p + BLOCK_SIZE, wanted); blocks -= 4)
                p += 4 * BLOCK_SIZE;
        for (; !marks && blocks; blocks--)
            marks = marks_equal(block_load(p += BLOCK_SIZE), wanted);
        if (!marks)
            return NULL;
    }
    p += first_mark(marks);
    return p <= last ? p : NULL;
}

#pragma clang attribute pop

#endif
