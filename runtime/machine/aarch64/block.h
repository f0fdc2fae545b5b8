/* SPDX-License-Identifier: MIT */
/* machine/block.h for aarch64: Advanced SIMD, four bits of marks a byte. */
#ifndef AARCH64_BLOCK_H
#define AARCH64_BLOCK_H

#include <arm_neon.h>

#define BLOCK_SIZE 16
#define BLOCK_BITS 4
#define BLOCK_MARKS ~(uint64_t)0 /* of all bytes */

#define BLOCK_WIDER(...)

typedef uint8x16_t block;

static inline block block_load(const void *aligned) {
    return vld1q_u8(aligned);
}

static inline block block_load_anywhere(const void *p) {
    return vld1q_u8(p);
}

static inline void block_store_anywhere(void *p, block b) {
    vst1q_u8(p, b);
}

static inline block block_fill(unsigned char c) {
    return vdupq_n_u8(c);
}

static inline block block_min(block a, block b) {
    return vminq_u8(a, b);
}

static inline block block_xor(block a, block b) {
    return veorq_u8(a, b);
}

static inline block block_or(block a, block b) {
    return vorrq_u8(a, b);
}

static inline uint64_t block_zeros(block b) {
    uint16x8_t zero = vreinterpretq_u16_u8(vceqzq_u8(b));
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(zero, 4)), 0);
}

static inline block block_even(block a, block b) {
    return block_min(vceqq_u8(a, b), a);
}

static inline uint64_t block_ends(block a, block b) {
    return block_zeros(block_even(a, b));
}

static inline block block_fold(block b) {
    block upper = vcleq_u8(vsubq_u8(b, block_fill('A')), block_fill('Z' - 'A'));
    return vorrq_u8(b, vandq_u8(upper, block_fill('a' - 'A')));
}

#endif
