/* SPDX-License-Identifier: MIT */
/* The floating-point environment: fcsr, whose layout is the portable one. machine/floating.h says what for.
 */
#ifndef POPCORN_FPU_H
#define POPCORN_FPU_H

#include <stdint.h>

#include "popcorn/floating.h"

static inline uint32_t floating_environment(void) {
    uint64_t value;
    __asm__ volatile("frcsr %0" : "=r"(value));
    return (uint32_t)value & FP_ENVIRONMENT;
}

static inline void floating_set_environment(uint32_t portable) {
    __asm__ volatile("fscsr %0" : : "r"((uint64_t)(portable & FP_ENVIRONMENT)));
}

static inline unsigned floating_rounding(void) {
    uint64_t value;
    __asm__ volatile("frrm %0" : "=r"(value));
    return (unsigned)value & 3;
}

static inline void floating_raise(unsigned flags) {
    __asm__ volatile("csrs fflags, %0" : : "r"((uint64_t)flags));
}

#endif
