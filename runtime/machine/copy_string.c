/* SPDX-License-Identifier: MIT */
/* stpcpy and stpncpy, on which libc's other copies of strings are built (see string.c). */
#include <stddef.h>
#include <stdint.h>

#include "marks.h"
#include "pieces.h"
#include "popcorn/native_text.h"

#pragma clang attribute push(__attribute__((section(POPCORN_SECTION_PROGRAM))), apply_to = function)

#define API __attribute__((weak, visibility("default")))

void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);

API char *__stpcpy(char *restrict, const char *restrict);
API char *stpcpy(char *restrict, const char *restrict);
API char *__stpncpy(char *restrict, const char *restrict, size_t);
API char *stpncpy(char *restrict, const char *restrict, size_t);

/* `length` bytes, less than two blocks, and a zero byte; where that is. */
static inline unsigned char *copy_end(unsigned char *to, bytes from, size_t length) {
    if (length + 1 < BLOCK_SIZE)
        copy_few(to, from, length + 1);
    else
        copy_halves(to, from, length + 1, 1);
    return to + length;
}

/* From p on, a block's beginning, with more than a block of the string before it. */
static inline unsigned char *copy_blocks(unsigned char *to, bytes p) {
    for (;; p += BLOCK_SIZE, to += BLOCK_SIZE) {
        while (begins_four(p) && !block_zeros(min_of_four(p))) {
            copy_four(to, p);
            p += 4 * BLOCK_SIZE;
            to += 4 * BLOCK_SIZE;
        }
        block b = block_load(p);
        uint64_t ends = block_zeros(b);
        if (ends) { /* the last block that is whole ends with the string, and overlaps what is there */
            size_t length = first_mark(ends);
            block_store_anywhere(to + length + 1 - BLOCK_SIZE,
                                 block_load_anywhere(p + length + 1 - BLOCK_SIZE));
            return to + length;
        }
        block_store_anywhere(to, b);
    }
}

char *__stpcpy(char *restrict target, const char *restrict origin) {
    BLOCK_WIDER(__stpcpy, target, origin);
    unsigned char *to = (unsigned char *)target;
    bytes from = (bytes)origin, p = block_of(from);
    uint64_t ends = marks_from(block_zeros(block_load(p)), from);
    if (!ends)
        ends = block_zeros(block_load(p += BLOCK_SIZE));
    if (ends)
        return (char *)copy_end(to, from, (size_t)(p + first_mark(ends) - from));
    block_store_anywhere(to, block_load_anywhere(from));
    return (char *)copy_blocks(to + (p - from), p);
}

char *__stpncpy(char *restrict to, const char *restrict from, size_t n) {
    BLOCK_WIDER(__stpncpy, to, from, n);
    bytes end = find_first((bytes)from, block_fill(0), n);
    size_t length = end ? (size_t)(end - (bytes)from) : n;
    unsigned char *rest = (unsigned char *)to + length;
    if (length < BLOCK_SIZE)
        copy_few((unsigned char *)to, (bytes)from, length);
    else if (length <= 2 * BLOCK_SIZE)
        copy_halves((unsigned char *)to, (bytes)from, length, 1);
    else
        memmove(to, from, length);
    if (length < n)
        *rest = 0;
    if (n - length > 1)
        memset(rest, 0, n - length);
    return (char *)rest;
}

#ifndef BLOCK_WIDE
/* What the others do. */

char *stpcpy(char *restrict to, const char *restrict from) {
    return __stpcpy(to, from);
}

char *stpncpy(char *restrict to, const char *restrict from, size_t n) {
    return __stpncpy(to, from, n);
}
#endif

#pragma clang attribute pop
