/* SPDX-License-Identifier: MIT */
/* machine/block.h for riscv64: words, whose marks are the highest bits of bytes. */
#ifndef RISCV64_BLOCK_H
#define RISCV64_BLOCK_H

#define BLOCK_SIZE 8
#define BLOCK_BITS 8

#define BLOCK_EACH(byte) (0x0101010101010101u * (byte))
#define BLOCK_MARKS BLOCK_EACH(0x80) /* of all bytes */

#define BLOCK_WIDER(...)

typedef uint64_t block;
typedef uint64_t __attribute__((may_alias)) block_word;

static inline block block_load(const void *aligned) {
    return *(const block_word *)aligned;
}

static inline block block_load_anywhere(const void *p) {
    block b;
    __builtin_memcpy(&b, p, sizeof b);
    return b;
}

static inline void block_store_anywhere(void *p, block b) {
    __builtin_memcpy(p, &b, sizeof b);
}

static inline block block_fill(unsigned char c) {
    return BLOCK_EACH(c);
}

/* The highest bit of each byte that is zero, and no other. */
static inline uint64_t block_zeros(block b) {
    uint64_t low = BLOCK_EACH(0x7f);
    return ~(((b & low) + low) | b | low);
}

/* Of two bytes some byte that is zero if one of them is: enough for those who look for zeros. */
static inline block block_min(block a, block b) {
    return ~(block_zeros(a) | block_zeros(b)) & BLOCK_EACH(0x80);
}

static inline block block_xor(block a, block b) {
    return a ^ b;
}

static inline block block_or(block a, block b) {
    return a | b;
}

static inline block block_even(block a, block b) {
    return block_zeros(a ^ b) & ~block_zeros(a);
}

static inline uint64_t block_ends(block a, block b) {
    return (~block_zeros(a ^ b) | block_zeros(a)) & BLOCK_MARKS;
}

static inline block block_fold(block b) {
    block low = b & BLOCK_EACH(0x7f), from_a = low + BLOCK_EACH(0x80 - 'A'),
          behind_z = low + BLOCK_EACH(0x7f - 'Z');
    return b | (from_a & ~behind_z & ~b & BLOCK_EACH(0x80)) >> 2;
}

#endif
