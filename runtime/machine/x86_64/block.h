/* SPDX-License-Identifier: MIT */
/* machine/block.h for x86_64: SSE2, and with BLOCK_WIDE AVX2 (string_v3.c). */
#ifndef X86_64_BLOCK_H
#define X86_64_BLOCK_H

#ifdef BLOCK_WIDE
#include <immintrin.h>

#define BLOCK_SIZE 32
#define BLOCK_BITS 1
#define BLOCK_MARKS 0xffffffffu /* of all bytes */
#define BLOCK_WIDER(...)

typedef __m256i block;

#define BLOCK_CALL(operation, ...) _mm256_##operation(__VA_ARGS__)
#define BLOCK_WHOLE(operation) _mm256_##operation##_si256
#else
#include "string_v3.h"
#include <emmintrin.h>

#define BLOCK_SIZE 16
#define BLOCK_BITS 1
#define BLOCK_MARKS 0xffffu /* of all bytes */
#define BLOCK_WIDER(function, ...)                                                                           \
    if (__popcorn_level >= 3)                                                                                \
    return STRING_V3(function)(__VA_ARGS__)

typedef __m128i block;

#define BLOCK_CALL(operation, ...) _mm_##operation(__VA_ARGS__)
#define BLOCK_WHOLE(operation) _mm_##operation##_si128
#endif

static inline block block_load(const void *aligned) {
    return BLOCK_WHOLE(load)(aligned);
}

static inline block block_load_anywhere(const void *p) {
    return BLOCK_WHOLE(loadu)(p);
}

static inline void block_store_anywhere(void *p, block b) {
    BLOCK_WHOLE(storeu)(p, b);
}

static inline block block_fill(unsigned char c) {
    return BLOCK_CALL(set1_epi8, (char)c);
}

static inline block block_min(block a, block b) {
    return BLOCK_CALL(min_epu8, a, b);
}

static inline block block_xor(block a, block b) {
    return BLOCK_WHOLE(xor)(a, b);
}

static inline block block_or(block a, block b) {
    return BLOCK_WHOLE(or)(a, b);
}

static inline uint64_t block_zeros(block b) {
    return (unsigned)BLOCK_CALL(movemask_epi8, BLOCK_CALL(cmpeq_epi8, b, BLOCK_WHOLE(setzero)()));
}

static inline block block_even(block a, block b) {
    return block_min(BLOCK_CALL(cmpeq_epi8, a, b), a);
}

static inline uint64_t block_ends(block a, block b) {
    return block_zeros(block_even(a, b));
}

static inline block block_fold(block b) {
    block upper = BLOCK_WHOLE(and)(BLOCK_CALL(cmpgt_epi8, b, block_fill('A' - 1)),
                                   BLOCK_CALL(cmpgt_epi8, block_fill('Z' + 1), b));
    return block_or(b, BLOCK_WHOLE(and)(upper, block_fill('a' - 'A')));
}

/* From here on a string instruction is faster than blocks. */
#ifdef BLOCK_WIDE
#define BLOCK_LARGE 4096
#else
#define BLOCK_LARGE 1024
#endif

static inline void block_copy_large(unsigned char *to, const unsigned char *from, size_t size) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

static inline void block_fill_large(unsigned char *to, unsigned char c, size_t size) {
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(c) : "memory");
}

#endif
