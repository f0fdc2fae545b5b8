/* SPDX-License-Identifier: MIT */
/* The floating-point environment: FPCR and FPSR. machine/floating.h says what for. */
#ifndef POPCORN_FPU_H
#define POPCORN_FPU_H

#include <stdint.h>

#include "popcorn/floating.h"

#define FPSR_FLAGS 0x1fu /* invalid, division by zero, overflow, underflow, inexact */
#define FPCR_ROUNDING 0xc00000u

static inline uint64_t native_fpcr(void) {
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}

static inline uint64_t native_fpsr(void) {
    uint64_t value;
    __asm__ volatile("mrs %0, fpsr" : "=r"(value));
    return value;
}

static inline void native_set_fpsr(uint64_t value) {
    __asm__ volatile("msr fpsr, %0" : : "r"(value));
}

/* The portable flags are FPSR's in reverse. */
static inline uint32_t native_reverse(uint32_t flags) {
    return (flags & 1) << 4 | (flags & 2) << 2 | (flags & 4) | (flags & 8) >> 2 | (flags & 16) >> 4;
}

static inline unsigned floating_rounding(void) {
    static const uint8_t rounding[4] = {FP_TO_NEAREST, FP_UPWARD, FP_DOWNWARD, FP_TO_ZERO};
    return rounding[(native_fpcr() & FPCR_ROUNDING) >> 22];
}

static inline uint32_t floating_environment(void) {
    return native_reverse(native_fpsr() & FPSR_FLAGS) | floating_rounding() << FP_ROUNDING_SHIFT;
}

static inline void floating_set_environment(uint32_t portable) {
    static const uint8_t rounding[4] = {0, 3, 2, 1};
    uint64_t now = native_fpcr();
    uint64_t next = (now & ~(uint64_t)FPCR_ROUNDING) | (uint64_t)rounding[portable >> FP_ROUNDING_SHIFT & 3]
                                                           << 22;
    if (next != now)
        __asm__ volatile("msr fpcr, %0" : : "r"(next));
    native_set_fpsr((native_fpsr() & ~(uint64_t)FPSR_FLAGS) | native_reverse(portable & FP_FLAGS));
}

static inline void floating_raise(unsigned flags) {
    uint64_t now = native_fpsr(), next = now | native_reverse(flags);
    if (next != now)
        native_set_fpsr(next);
}

#endif
