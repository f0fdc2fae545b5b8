/* SPDX-License-Identifier: MIT */
/* What libc's <fenv.h> functions are made of (runtime/libc/src/fenv/fenv.c). */
#include "floating.h"

uint32_t __popcorn_floating(void);
void __popcorn_set_floating(uint32_t environment);

uint32_t __popcorn_floating(void) {
    return floating_environment();
}

void __popcorn_set_floating(uint32_t environment) {
    floating_set_environment(environment & FP_ENVIRONMENT);
}
