/* SPDX-License-Identifier: MIT */
/*
 * memcpy, memmove and memset, where musl has none in the ISA's own assembly language. All that is short is
 * loaded before any of it is stored, in pieces that overlap, so one function serves for copies that overlap
 * and that do not. Weak, as a program may have its own.
 */
#include <stddef.h>
#include <stdint.h>

#include "block.h"

#define API __attribute__((weak, visibility("default")))

API void *memcpy(void *restrict, const void *restrict, size_t);
API void *memmove(void *, const void *, size_t);
API void *memset(void *, int, size_t);

typedef unsigned char *bytes;
typedef const unsigned char *source;

#define COPY_ENDS(type)                                                                                      \
    do {                                                                                                     \
        type first, last;                                                                                    \
        __builtin_memcpy(&first, from, sizeof first);                                                        \
        __builtin_memcpy(&last, from + n - sizeof last, sizeof last);                                        \
        __builtin_memcpy(to, &first, sizeof first);                                                          \
        __builtin_memcpy(to + n - sizeof last, &last, sizeof last);                                          \
    } while (0)

/* Less than a block. */
static inline void copy_few(bytes to, source from, size_t n) {
    if (n >= 8)
        COPY_ENDS(uint64_t);
    else if (n >= 4)
        COPY_ENDS(uint32_t);
    else if (n >= 2)
        COPY_ENDS(uint16_t);
    else if (n)
        *to = *from;
}

/* From one block to eight. */
static inline void copy_some(bytes to, source from, size_t n) {
    block first[4], last[4];
    size_t half = n > 4 * BLOCK_SIZE ? 4 : n > 2 * BLOCK_SIZE ? 2 : 1;
    for (size_t i = 0; i < half; i++) {
        first[i] = block_load_anywhere(from + i * BLOCK_SIZE);
        last[i] = block_load_anywhere(from + n - (i + 1) * BLOCK_SIZE);
    }
    for (size_t i = 0; i < half; i++) {
        block_store_anywhere(to + i * BLOCK_SIZE, first[i]);
        block_store_anywhere(to + n - (i + 1) * BLOCK_SIZE, last[i]);
    }
}

static inline void copy_four(bytes to, source from) {
    block b[4];
    for (int i = 0; i < 4; i++)
        b[i] = block_load_anywhere(from + i * BLOCK_SIZE);
    for (int i = 0; i < 4; i++)
        block_store_anywhere(to + i * BLOCK_SIZE, b[i]);
}

/* Upwards, if the target is not within what is yet to be read; the last blocks are loaded first. */
static inline void copy_up(bytes to, source from, size_t n) {
    block last[4];
    bytes end = to + n;
    for (int i = 0; i < 4; i++)
        last[i] = block_load_anywhere(from + n - (size_t)(4 - i) * BLOCK_SIZE);
    for (; (size_t)(end - to) > 4 * BLOCK_SIZE; to += 4 * BLOCK_SIZE, from += 4 * BLOCK_SIZE)
        copy_four(to, from);
    for (int i = 0; i < 4; i++)
        block_store_anywhere(end - (size_t)(4 - i) * BLOCK_SIZE, last[i]);
}

static inline void copy_down(bytes to, source from, size_t n) {
    block first[4];
    for (int i = 0; i < 4; i++)
        first[i] = block_load_anywhere(from + (size_t)i * BLOCK_SIZE);
    for (; n > 4 * BLOCK_SIZE; n -= 4 * BLOCK_SIZE)
        copy_four(to + n - 4 * BLOCK_SIZE, from + n - 4 * BLOCK_SIZE);
    for (int i = 0; i < 4; i++)
        block_store_anywhere(to + (size_t)i * BLOCK_SIZE, first[i]);
}

void *memmove(void *target, const void *origin, size_t n) {
    bytes to = target;
    source from = origin;
    if (n < BLOCK_SIZE)
        copy_few(to, from, n);
    else if (n <= 8 * BLOCK_SIZE)
        copy_some(to, from, n);
    else if ((uintptr_t)to - (uintptr_t)from < n)
        copy_down(to, from, n);
#ifdef BLOCK_LARGE
    else if (n >= BLOCK_LARGE && (uintptr_t)from - (uintptr_t)to >= n)
        block_copy_large(to, from, n);
#endif
    else
        copy_up(to, from, n);
    return target;
}

void *memcpy(void *restrict target, const void *restrict origin, size_t n) {
    return memmove(target, origin, n);
}

void *memset(void *target, int c, size_t n) {
    bytes to = target, end = to + n;
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
    for (to = (bytes)(((uintptr_t)to | (BLOCK_SIZE - 1)) + 1); to < end - BLOCK_SIZE; to += BLOCK_SIZE)
        block_store_anywhere(to, b);
    return target;
}
