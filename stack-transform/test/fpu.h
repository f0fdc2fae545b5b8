/* SPDX-License-Identifier: MIT */
/* The unit tests' machine has no floating-point environment. */
#ifndef TEST_FPU_H
#define TEST_FPU_H

#include <stdint.h>

#include "popcorn/floating.h"

static inline uint32_t floating_environment(void) {
    return FP_DEFAULT;
}

static inline void floating_set_environment(uint32_t environment) {
    (void)environment;
}

#endif
