/* SPDX-License-Identifier: MIT */
/*
 * The processor's floating-point environment. machine/<isa>/fpu.h defines, inline, for arithmetic in
 * software: uint32_t floating_environment(void)            the environment in portable form
 * (popcorn/floating.h) void     floating_set_environment(uint32_t)    replaces it; what is not portable of it
 * stays unsigned floating_rounding(void)               FP_TO_NEAREST … void     floating_raise(unsigned
 * flags)        raises FP_INEXACT …
 */
#ifndef POPCORN_MACHINE_FLOATING_H
#define POPCORN_MACHINE_FLOATING_H

#include "fpu.h"

#endif
