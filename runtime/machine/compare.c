/* SPDX-License-Identifier: MIT */
/*
 * libc's functions that compare strings and memory, block by block (see string.c). What lies behind the end
 * of a string is read in blocks that are not aligned, but never in another page than a byte of the string.
 */
#include <stddef.h>
#include <stdint.h>

#include "marks.h"
#include "popcorn/native_text.h"

#pragma clang attribute push(__attribute__((section(POPCORN_SECTION_PROGRAM))), apply_to = function)

#define API __attribute__((weak, visibility("default")))

API int memcmp(const void *, const void *, size_t);
API int bcmp(const void *, const void *, size_t);
API int strcmp(const char *, const char *);
API int strncmp(const char *, const char *, size_t);
API int strcasecmp(const char *, const char *);
API int strncasecmp(const char *, const char *, size_t);

/* Marks of the bytes that differ. */
static inline uint64_t marks_unequal(block a, block b) {
    return ~marks_equal(a, b) & every_mark;
}

static inline int order(uint64_t a, uint64_t b) {
    a = __builtin_bswap64(a);
    b = __builtin_bswap64(b);
    return a == b ? 0 : a < b ? -1 : 1;
}

static inline uint64_t load_8(bytes p) {
    uint64_t word;
    __builtin_memcpy(&word, p, 8);
    return word;
}

static inline uint32_t load_4(bytes p) {
    uint32_t word;
    __builtin_memcpy(&word, p, 4);
    return word;
}

/* Up to 16 bytes, by pieces that overlap. */
static inline int compare_few(bytes a, bytes b, size_t n) {
    if (n >= 8) {
        int r = order(load_8(a), load_8(b));
        return r ? r : order(load_8(a + n - 8), load_8(b + n - 8));
    }
    if (n >= 4)
        return order(load_4(a) | (uint64_t)load_4(a + n - 4) << 32, load_4(b) | (uint64_t)load_4(b + n - 4)
                                                                                    << 32);
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

int memcmp(const void *one, const void *other, size_t n) {
    BLOCK_WIDER(memcmp, one, other, n);
    bytes a = one, b = other, end = a + n;
    uint64_t marks;
    if (n <= 16)
        return compare_few(a, b, n);
    if (n < BLOCK_SIZE) {
        int r = compare_few(a, b, 16);
        return r ? r : compare_few(a + n - 16, b + n - 16, 16);
    }
    for (; end - a >= 4 * BLOCK_SIZE; a += 4 * BLOCK_SIZE, b += 4 * BLOCK_SIZE) {
        block differ[4];
        for (int i = 0; i < 4; i++)
            differ[i] =
                block_xor(block_load_anywhere(a + i * BLOCK_SIZE), block_load_anywhere(b + i * BLOCK_SIZE));
        if (block_zeros(block_or(block_or(differ[0], differ[1]), block_or(differ[2], differ[3]))) !=
            every_mark)
            break;
    }
    for (; end - a > BLOCK_SIZE; a += BLOCK_SIZE, b += BLOCK_SIZE)
        if ((marks = marks_unequal(block_load_anywhere(a), block_load_anywhere(b))))
            goto unequal;
    b -= a - (end - BLOCK_SIZE);
    a = end - BLOCK_SIZE;
    marks = marks_unequal(block_load_anywhere(a), block_load_anywhere(b));
    if (!marks)
        return 0;
unequal:
    return a[first_mark(marks)] - b[first_mark(marks)];
}

/* Does a block at p, which need not be aligned, reach into the next page? */
static inline int leaves_page(bytes p) {
    return (uintptr_t)p % PAGE > PAGE - BLOCK_SIZE;
}

/* How many blocks from p on lie in p's page. */
static inline size_t blocks_in_page(bytes p) {
    return (PAGE - (uintptr_t)p % PAGE) / BLOCK_SIZE;
}

static inline unsigned char fold(unsigned char c) {
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

/* Has a zero byte where two strings end or differ, in one block of each; with `folds` in more than the case
 * of letters. */
static inline block even_at(bytes a, bytes b, int folds) {
    block of_a = block_load_anywhere(a), of_b = block_load_anywhere(b);
    return folds ? block_even(block_fold(of_a), block_fold(of_b)) : block_even(of_a, of_b);
}

static inline int even_in_four(bytes a, bytes b, int folds) {
    block even[4];
    for (int i = 0; i < 4; i++)
        even[i] = even_at(a + i * BLOCK_SIZE, b + i * BLOCK_SIZE, folds);
    return !block_zeros(block_min(block_min(even[0], even[1]), block_min(even[2], even[3])));
}

/* Where two strings end or differ, in one block of each; BLOCK_SIZE if they do not. */
static inline size_t end_in_block(bytes a, bytes b, int folds) {
    block of_a = block_load_anywhere(a), of_b = block_load_anywhere(b);
    uint64_t marks = folds ? block_ends(block_fold(of_a), block_fold(of_b)) : block_ends(of_a, of_b);
    return marks ? first_mark(marks) : BLOCK_SIZE;
}

/* The same in `size` bytes, whole blocks, or in a few more than n if that is less; as many as were looked at
 * if nowhere. */
static inline size_t end_in_blocks(bytes a, bytes b, size_t size, size_t n, int folds) {
    size_t i = 0, singly = 2 * BLOCK_SIZE; /* most end soon */
    while (i < size && i < n) {
        if (i >= singly && size - i >= 4 * BLOCK_SIZE) {
            if (even_in_four(a + i, b + i, folds)) {
                i += 4 * BLOCK_SIZE;
                continue;
            }
            singly = size;
        }
        size_t place = end_in_block(a + i, b + i, folds);
        if (place < BLOCK_SIZE)
            return i + place;
        i += BLOCK_SIZE;
    }
    return i;
}

static inline int difference(unsigned char a, unsigned char b, int folds) {
    return folds ? fold(a) - fold(b) : a - b;
}

static inline __attribute__((always_inline)) int compare(bytes a, bytes b, size_t n, int folds) {
    size_t place;
    if (n && !leaves_page(a) && !leaves_page(b)) { /* as most do: the first block is all */
        if ((place = end_in_block(a, b, folds)) < BLOCK_SIZE)
            return place < n ? difference(a[place], b[place], folds) : 0;
        if (n <= BLOCK_SIZE)
            return 0;
        a += BLOCK_SIZE;
        b += BLOCK_SIZE;
        n -= BLOCK_SIZE;
    }
    while (n) {
        size_t in_a = blocks_in_page(a), in_b = blocks_in_page(b),
               size = (in_a < in_b ? in_a : in_b) * BLOCK_SIZE;
        place = end_in_blocks(a, b, size, n, folds);
        if (place >= n)
            return 0;
        if (place < size)
            return difference(a[place], b[place], folds);
        a += size;
        b += size;
        n -= size;
        for (size_t few = n < BLOCK_SIZE ? n : BLOCK_SIZE; few; few--, n--, a++, b++) {
            int r = difference(*a, *b, folds);
            if (r || !*a)
                return r;
        }
    }
    return 0;
}

int strncmp(const char *one, const char *other, size_t n) {
    BLOCK_WIDER(strncmp, one, other, n);
    return compare((bytes)one, (bytes)other, n, 0);
}

/* In the C locale's manner in all of musl's locales: only ASCII has case. */
int strncasecmp(const char *one, const char *other, size_t n) {
    BLOCK_WIDER(strncasecmp, one, other, n);
    return compare((bytes)one, (bytes)other, n, 1);
}

#ifndef BLOCK_WIDE
/* What the others do. */

int bcmp(const void *one, const void *other, size_t n) {
    return memcmp(one, other, n);
}

int strcmp(const char *one, const char *other) {
    return strncmp(one, other, SIZE_MAX);
}

int strcasecmp(const char *one, const char *other) {
    return strncasecmp(one, other, SIZE_MAX);
}
#endif

#pragma clang attribute pop
