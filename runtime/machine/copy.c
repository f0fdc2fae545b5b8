/* SPDX-License-Identifier: MIT */
/*
 * memcpy, memmove and memset (see string.c). All that is short is loaded before any of it is stored, in
 * pieces that overlap, so one function serves for copies that overlap and that do not. Weak, as a program may
 * have its own.
 */
#include <stddef.h>
#include <stdint.h>

#include "pieces.h"
#include "popcorn/native_text.h"

#pragma clang attribute push(__attribute__((section(POPCORN_SECTION_PROGRAM))), apply_to = function)

#define API __attribute__((weak, visibility("default")))

#ifdef POPCORN_OWN_COPY /* what is wider is the program's */
#undef BLOCK_WIDER
#define BLOCK_WIDER(...)
#endif

API void *memcpy(void *restrict, const void *restrict, size_t);
API void *memmove(void *, const void *, size_t);
API void *memset(void *, int, size_t);

/* From one block to eight. */
static inline void copy_some(unsigned char *to, const unsigned char *from, size_t n) {
    if (n <= 2 * BLOCK_SIZE)
        copy_halves(to, from, n, 1);
    else if (n <= 4 * BLOCK_SIZE)
        copy_halves(to, from, n, 2);
    else
        copy_halves(to, from, n, 4);
}

/*
 * Upwards, if the target is not within what is yet to be read. What is stored in the loop is aligned; the
 * blocks at both ends are loaded before.
 */
static inline void copy_up(unsigned char *to, const unsigned char *from, size_t n) {
    block first = block_load_anywhere(from), last[4];
    unsigned char *begin = to, *end = to + n;
    size_t skip = BLOCK_SIZE - (uintptr_t)to % BLOCK_SIZE;
    for (int i = 0; i < 4; i++)
        last[i] = block_load_anywhere(from + n - (size_t)(4 - i) * BLOCK_SIZE);
    for (to += skip, from += skip; (size_t)(end - to) > 4 * BLOCK_SIZE;
         to += 4 * BLOCK_SIZE, from += 4 * BLOCK_SIZE)
        copy_four(to, from);
    for (int i = 0; i < 4; i++)
        block_store_anywhere(end - (size_t)(4 - i) * BLOCK_SIZE, last[i]);
    block_store_anywhere(begin, first);
}

static inline void copy_down(unsigned char *to, const unsigned char *from, size_t n) {
    block first[4], last = block_load_anywhere(from + n - BLOCK_SIZE);
    unsigned char *end = to + n;
    for (int i = 0; i < 4; i++)
        first[i] = block_load_anywhere(from + (size_t)i * BLOCK_SIZE);
    for (n -= (uintptr_t)end % BLOCK_SIZE; n > 4 * BLOCK_SIZE; n -= 4 * BLOCK_SIZE)
        copy_four(to + n - 4 * BLOCK_SIZE, from + n - 4 * BLOCK_SIZE);
    for (int i = 0; i < 4; i++)
        block_store_anywhere(to + (size_t)i * BLOCK_SIZE, first[i]);
    block_store_anywhere(end - BLOCK_SIZE, last);
}

static inline void *copy_many(unsigned char *to, const unsigned char *from, size_t n) {
    BLOCK_WIDER(memmove, to, from, n);
    if ((uintptr_t)to - (uintptr_t)from < n)
        copy_down(to, from, n);
#ifdef BLOCK_LARGE
    else if (n >= BLOCK_LARGE && (uintptr_t)from - (uintptr_t)to >= n)
        block_copy_large(to, from, n);
#endif
    else
        copy_up(to, from, n);
    return to;
}

void *memmove(void *target, const void *origin, size_t n) {
    unsigned char *to = target;
    const unsigned char *from = origin;
    if (n < BLOCK_SIZE)
        copy_few(to, from, n);
    else if (n <= 8 * BLOCK_SIZE)
        copy_some(to, from, n);
    else
        copy_many(to, from, n);
    return target;
}

#ifndef BLOCK_WIDE
void *memcpy(void *restrict target, const void *restrict origin, size_t n) {
    return memmove(target, origin, n);
}

void *memset(void *target, int c, size_t n) {
    unsigned char *to = target, *end = to + n;
    const block b = block_fill((unsigned char)c);
    if (n < BLOCK_SIZE) {
        uint64_t word = 0x0101010101010101u * (unsigned char)c;
        if (n >= 8) {
            __builtin_memcpy(to, &word, 8);
            __builtin_memcpy(end - 8, &word, 8);
        } else if (n >= 4) {
            __builtin_memcpy(to, &word, 4);
            __builtin_memcpy(end - 4, &word, 4);
        } else if (n) {
            to[0] = to[n / 2] = to[n - 1] = (unsigned char)c;
        }
        return target;
    }
#ifdef BLOCK_LARGE
    if (n >= BLOCK_LARGE) {
        block_fill_large(to, (unsigned char)c, n);
        return target;
    }
#endif
    block_store_anywhere(end - BLOCK_SIZE, b);
    block_store_anywhere(to, b);
    for (to = (unsigned char *)(((uintptr_t)to | (BLOCK_SIZE - 1)) + 1); to < end - BLOCK_SIZE;
         to += BLOCK_SIZE)
        block_store_anywhere(to, b);
    return target;
}
#endif

#pragma clang attribute pop
