/* SPDX-License-Identifier: MIT */
/* machine/block.h for x86_64: SSE2. */
#include <emmintrin.h>

#define BLOCK_SIZE 16
#define BLOCK_BITS 1
#define BLOCK_MARKS 0xffffu /* of all bytes */

typedef __m128i block;

static inline block block_load(const void *aligned) {
    return _mm_load_si128(aligned);
}

static inline block block_load_anywhere(const void *p) {
    return _mm_loadu_si128(p);
}

static inline void block_store_anywhere(void *p, block b) {
    _mm_storeu_si128(p, b);
}

static inline block block_fill(unsigned char c) {
    return _mm_set1_epi8((char)c);
}

static inline block block_min(block a, block b) {
    return _mm_min_epu8(a, b);
}

static inline block block_xor(block a, block b) {
    return _mm_xor_si128(a, b);
}

static inline block block_or(block a, block b) {
    return _mm_or_si128(a, b);
}

static inline uint64_t block_zeros(block b) {
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(b, _mm_setzero_si128()));
}

/* From here on a string instruction is faster than blocks. */
#define BLOCK_LARGE 1024

static inline void block_copy_large(unsigned char *to, const unsigned char *from, size_t size) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

static inline void block_fill_large(unsigned char *to, unsigned char c, size_t size) {
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(c) : "memory");
}
