/* SPDX-License-Identifier: MIT */
/*
 * Copies of a few bytes and blocks. All is loaded before any of it is stored, in pieces that overlap, so they
 * serve for copies that overlap and that do not.
 */
#ifndef MACHINE_PIECES_H
#define MACHINE_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "block.h"
#include "popcorn/native_text.h"

#pragma clang attribute push(__attribute__((section(POPCORN_SECTION_PROGRAM))), apply_to = function)

typedef uint64_t sixteen __attribute__((vector_size(16)));

#define COPY_ENDS(type)                                                                                      \
    do {                                                                                                     \
        type first, last;                                                                                    \
        __builtin_memcpy(&first, from, sizeof first);                                                        \
        __builtin_memcpy(&last, from + n - sizeof last, sizeof last);                                        \
        __builtin_memcpy(to, &first, sizeof first);                                                          \
        __builtin_memcpy(to + n - sizeof last, &last, sizeof last);                                          \
    } while (0)

/* Less than a block. */
static inline void copy_few(unsigned char *to, const unsigned char *from, size_t n) {
    if (BLOCK_SIZE > 16 && n >= 16)
        COPY_ENDS(sixteen);
    else if (n >= 8)
        COPY_ENDS(uint64_t);
    else if (n >= 4)
        COPY_ENDS(uint32_t);
    else if (n >= 2)
        COPY_ENDS(uint16_t);
    else if (n)
        *to = *from;
}

static inline void copy_four(unsigned char *to, const unsigned char *from) {
    block b[4];
    for (int i = 0; i < 4; i++)
        b[i] = block_load_anywhere(from + i * BLOCK_SIZE);
    for (int i = 0; i < 4; i++)
        block_store_anywhere(to + i * BLOCK_SIZE, b[i]);
}

/* The first and the last `half` blocks. */
static inline void copy_halves(unsigned char *to, const unsigned char *from, size_t n, size_t half) {
    block first[4], last[4];
    for (size_t i = 0; i < half; i++) {
        first[i] = block_load_anywhere(from + i * BLOCK_SIZE);
        last[i] = block_load_anywhere(from + n - (i + 1) * BLOCK_SIZE);
    }
    for (size_t i = 0; i < half; i++) {
        block_store_anywhere(to + i * BLOCK_SIZE, first[i]);
        block_store_anywhere(to + n - (i + 1) * BLOCK_SIZE, last[i]);
    }
}

#pragma clang attribute pop

#endif
