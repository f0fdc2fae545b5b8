/* SPDX-License-Identifier: MIT */
/*
 * A thread's floating-point environment in portable form: the exceptions raised and the rounding mode, by the
 * numbers that <fenv.h> has for programs. No exception ever traps.
 */
#ifndef POPCORN_FLOATING_H
#define POPCORN_FLOATING_H

#define FP_INEXACT 1u
#define FP_UNDERFLOW 2u
#define FP_OVERFLOW 4u
#define FP_DIVISION_BY_ZERO 8u
#define FP_INVALID 16u
#define FP_FLAGS 31u

#define FP_TO_NEAREST 0u
#define FP_TO_ZERO 1u
#define FP_DOWNWARD 2u
#define FP_UPWARD 3u
#define FP_ROUNDING_SHIFT 5

#define FP_DEFAULT 0u       /* to nearest, nothing raised */
#define FP_ENVIRONMENT 127u /* flags, then the rounding mode */

#endif
