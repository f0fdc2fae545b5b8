/* SPDX-License-Identifier: MIT */
/*
 * The floating-point environment: MXCSR. The x87 unit computes nothing here, but LLVM reads the rounding mode
 * from it. machine/floating.h says what for.
 */
#ifndef POPCORN_FPU_H
#define POPCORN_FPU_H

#include <stdint.h>

#include "popcorn/floating.h"

#define MXCSR_FLAGS 0x3fu /* invalid, denormal operand, division by zero, overflow, underflow, inexact */
#define MXCSR_ROUNDING 0x6000u

static inline uint32_t native_mxcsr(void) {
    uint32_t value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static inline void native_set_mxcsr(uint32_t value) {
    __asm__ volatile("ldmxcsr %0" : : "m"(value));
}

/* The modes have the same numbers there, three bits further to the right. */
static inline void native_set_x87_rounding(uint32_t mxcsr) {
    uint16_t control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    control = (uint16_t)((control & ~(MXCSR_ROUNDING >> 3)) | (mxcsr & MXCSR_ROUNDING) >> 3);
    __asm__ volatile("fldcw %0" : : "m"(control));
}

static inline uint32_t native_to_portable(uint32_t mxcsr) {
    static const uint8_t rounding[4] = {FP_TO_NEAREST, FP_DOWNWARD, FP_UPWARD, FP_TO_ZERO};
    uint32_t flags = (mxcsr & 1 ? FP_INVALID : 0) | (mxcsr & 4 ? FP_DIVISION_BY_ZERO : 0) |
                     (mxcsr & 8 ? FP_OVERFLOW : 0) | (mxcsr & 16 ? FP_UNDERFLOW : 0) |
                     (mxcsr & 32 ? FP_INEXACT : 0);
    return flags | (uint32_t)rounding[(mxcsr & MXCSR_ROUNDING) >> 13] << FP_ROUNDING_SHIFT;
}

static inline uint32_t native_flags(uint32_t portable) {
    return (portable & FP_INVALID ? 1u : 0) | (portable & FP_DIVISION_BY_ZERO ? 4u : 0) |
           (portable & FP_OVERFLOW ? 8u : 0) | (portable & FP_UNDERFLOW ? 16u : 0) |
           (portable & FP_INEXACT ? 32u : 0);
}

static inline uint32_t floating_environment(void) {
    return native_to_portable(native_mxcsr());
}

static inline void floating_set_environment(uint32_t portable) {
    static const uint8_t rounding[4] = {0, 3, 1, 2};
    uint32_t now = native_mxcsr();
    uint32_t next = (now & ~(MXCSR_FLAGS | MXCSR_ROUNDING)) | native_flags(portable) |
                    (uint32_t)rounding[portable >> FP_ROUNDING_SHIFT & 3] << 13;
    if (next != now)
        native_set_mxcsr(next);
    if ((next ^ now) & MXCSR_ROUNDING)
        native_set_x87_rounding(next);
}

static inline unsigned floating_rounding(void) {
    return native_to_portable(native_mxcsr()) >> FP_ROUNDING_SHIFT;
}

static inline void floating_raise(unsigned flags) {
    uint32_t now = native_mxcsr(), next = now | native_flags(flags);
    if (next != now)
        native_set_mxcsr(next);
}

#endif
