/* SPDX-License-Identifier: MIT */
/*
 * The floating-point environment, in place of musl's generic one, which has none. Its portable form, in which
 * it travels, is fenv_t: the exceptions, and above them the rounding mode. No ISA's traps are used: riscv64
 * has none.
 */
#include <fenv.h>
#include <stdint.h>

#define ROUNDING_SHIFT 5

uint32_t __popcorn_floating(void);
void __popcorn_set_floating(uint32_t environment);

int feclearexcept(int mask) {
    __popcorn_set_floating(__popcorn_floating() & ~(uint32_t)(mask & FE_ALL_EXCEPT));
    return 0;
}

int feraiseexcept(int mask) {
    __popcorn_set_floating(__popcorn_floating() | (mask & FE_ALL_EXCEPT));
    return 0;
}

int fetestexcept(int mask) {
    return __popcorn_floating() & mask & FE_ALL_EXCEPT;
}

int fegetround(void) {
    return __popcorn_floating() >> ROUNDING_SHIFT;
}

/* musl's fesetround() has checked the mode. */
int __fesetround(int mode) {
    __popcorn_set_floating((__popcorn_floating() & FE_ALL_EXCEPT) | (uint32_t)mode << ROUNDING_SHIFT);
    return 0;
}

int fegetenv(fenv_t *environment) {
    *environment = __popcorn_floating();
    return 0;
}

int fesetenv(const fenv_t *environment) {
    __popcorn_set_floating(environment == FE_DFL_ENV ? 0 : *environment);
    return 0;
}
