/* SPDX-License-Identifier: MIT */
/*
 * IEEE binary formats in software: numbers taken apart and put together again, rounded as the thread's
 * floating-point environment says, with the exceptions raised that the standard asks for (underflow: tiny
 * after rounding). The results are the same bits on every ISA, those of NaNs included.
 *
 * All functions are inline and get their formats as constants, so that each use becomes code for its formats
 * alone.
 */
#ifndef POPCORN_ARITHMETIC_FORMAT_H
#define POPCORN_ARITHMETIC_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "floating.h"

typedef unsigned __int128 uint128;
typedef __int128 int128;

struct format {
    int fraction; /* bits behind the leading one, which is not stored */
    int exponent; /* bits */
};

#define FORMAT_HALF ((struct format){10, 5})
#define FORMAT_BFLOAT ((struct format){7, 8})
#define FORMAT_FLOAT ((struct format){23, 8})
#define FORMAT_DOUBLE ((struct format){52, 11})
#define FORMAT_QUAD ((struct format){112, 15})

enum { ROUND_BITS = 3 }; /* behind a significand that is to be rounded; the last is sticky */

enum kind { KIND_ZERO, KIND_FINITE, KIND_INFINITE, KIND_NAN };

struct number {
    enum kind kind;
    bool negative;
    bool signalling; /* a NaN */
    int exponent;
    uint128 significand; /* finite: of a quad, its leading one at bit 112; NaN: the payload as a quad's */
};

#define QUAD_ONE ((uint128)1 << 112)

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE int format_largest(struct format f) {
    return (1 << f.exponent) - 1;
}

ALWAYS_INLINE int format_bias(struct format f) {
    return format_largest(f) >> 1;
}

ALWAYS_INLINE int leading_zeros(uint128 value) {
    uint64_t high = (uint64_t)(value >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)value);
}

/* Shifts right; what falls off leaves a mark in the last bit. */
ALWAYS_INLINE uint128 shift_sticky(uint128 value, int count) {
    if (count <= 0)
        return value;
    if (count > 127)
        return value != 0;
    return value >> count | ((value << (128 - count)) != 0);
}

ALWAYS_INLINE struct number take_apart(uint128 bits, struct format f) {
    uint128 fraction = bits & (((uint128)1 << f.fraction) - 1);
    int exponent = (int)(bits >> f.fraction) & format_largest(f);
    struct number n = {KIND_FINITE, bits >> (f.fraction + f.exponent) & 1, false, exponent - format_bias(f),
                       fraction << (112 - f.fraction)};
    if (exponent == format_largest(f)) {
        n.kind = fraction ? KIND_NAN : KIND_INFINITE;
        n.signalling = fraction && !(fraction >> (f.fraction - 1));
    } else if (exponent) {
        n.significand |= QUAD_ONE;
    } else if (fraction) {
        int shift = leading_zeros(n.significand) - 15;
        n.significand <<= shift;
        n.exponent = 1 - format_bias(f) - shift;
    } else {
        n.kind = KIND_ZERO;
    }
    return n;
}

ALWAYS_INLINE uint128 with_sign(bool negative, uint128 bits, struct format f) {
    return (uint128)negative << (f.fraction + f.exponent) | bits;
}

ALWAYS_INLINE uint128 infinity(bool negative, struct format f) {
    return with_sign(negative, (uint128)format_largest(f) << f.fraction, f);
}

/* What an invalid operation gives, if not another NaN. */
ALWAYS_INLINE uint128 invalid(struct format f) {
    floating_raise(FP_INVALID);
    return infinity(false, f) | (uint128)1 << (f.fraction - 1);
}

/* A NaN goes on as a quiet one, with as much of its payload as fits. */
ALWAYS_INLINE uint128 quiet(struct number n, struct format f) {
    if (n.signalling)
        floating_raise(FP_INVALID);
    return infinity(n.negative, f) | (uint128)1 << (f.fraction - 1) | n.significand >> (112 - f.fraction);
}

/* Whether a significand with ROUND_BITS behind it is rounded away from zero. */
ALWAYS_INLINE bool rounds_up(bool negative, uint128 significand, unsigned rounding) {
    unsigned rest = significand & 7;
    switch (rounding) {
    case FP_TO_NEAREST:
        return rest > 4 || (rest == 4 && significand >> ROUND_BITS & 1);
    case FP_UPWARD:
        return rest && !negative;
    case FP_DOWNWARD:
        return rest && negative;
    default:
        return false;
    }
}

ALWAYS_INLINE uint128 overflow(bool negative, unsigned rounding, struct format f) {
    bool to_infinity = rounding == FP_TO_NEAREST || rounding == (negative ? FP_DOWNWARD : FP_UPWARD);
    floating_raise(FP_OVERFLOW | FP_INEXACT);
    return infinity(negative, f) - !to_infinity;
}

/*
 * Rounds a number whose significand has its leading one at bit f.fraction + ROUND_BITS. `exponent` is without
 * bias.
 */
ALWAYS_INLINE uint128 put_together(bool negative, int exponent, uint128 significand, struct format f) {
    unsigned rounding = significand & 7 || exponent > format_bias(f) || exponent <= -format_bias(f)
                            ? floating_rounding()
                            : FP_TO_NEAREST;
    int biased = exponent + format_bias(f);
    bool tiny = false;
    if (biased <= 0) {
        uint128 carries = (significand >> ROUND_BITS) + rounds_up(negative, significand, rounding);
        tiny = biased < 0 || !(carries >> (f.fraction + 1));
        significand = shift_sticky(significand, 1 - biased);
        biased = 0;
    }
    bool inexact = significand & 7;
    uint128 bits = (significand >> ROUND_BITS) + rounds_up(negative, significand, rounding);
    if (biased > 0)
        bits += (uint128)(biased - 1) << f.fraction; /* the leading one counts as the last of the exponent */
    if (biased >= format_largest(f) || bits >= infinity(false, f))
        return overflow(negative, rounding, f);
    if (inexact)
        floating_raise(tiny ? FP_UNDERFLOW | FP_INEXACT : FP_INEXACT);
    return with_sign(negative, bits, f);
}

/* The number as another format has it. */
ALWAYS_INLINE uint128 convert(struct number n, struct format f) {
    switch (n.kind) {
    case KIND_NAN:
        return quiet(n, f);
    case KIND_INFINITE:
        return infinity(n.negative, f);
    case KIND_ZERO:
        return with_sign(n.negative, 0, f);
    default:
        break;
    }
    int shift = 112 - f.fraction - ROUND_BITS;
    uint128 significand = shift < 0 ? n.significand << -shift : shift_sticky(n.significand, shift);
    return put_together(n.negative, n.exponent, significand, f);
}

ALWAYS_INLINE uint128 from_integer(bool negative, uint128 magnitude, struct format f) {
    if (!magnitude)
        return 0;
    int zeros = leading_zeros(magnitude);
    int shift = 127 - f.fraction - ROUND_BITS; /* from a leading one at bit 127 */
    return put_together(negative, 127 - zeros, shift_sticky(magnitude << zeros, shift), f);
}

/*
 * Towards zero, to an integer of `width` bits. What does not fit is invalid and gives the nearest integer
 * that there is; a NaN counts as infinite.
 */
ALWAYS_INLINE uint128 to_integer(struct number n, int width, bool is_signed) {
    uint128 most = ~(uint128)0 >> (128 - width + is_signed);
    uint128 limit = !n.negative ? most : is_signed ? most + 1 : 0;
    if (n.kind == KIND_ZERO)
        return 0;
    if (n.kind != KIND_FINITE || n.exponent >= width) {
        floating_raise(FP_INVALID);
        return n.negative ? -limit : limit;
    }
    int shift = 112 - n.exponent;
    uint128 magnitude = n.exponent < 0 ? 0 : shift >= 0 ? n.significand >> shift : n.significand << -shift;
    if (magnitude > limit) {
        floating_raise(FP_INVALID);
        magnitude = limit;
    } else if (n.exponent < 0 || (shift > 0 && n.significand << (128 - shift))) {
        floating_raise(FP_INEXACT);
    }
    return n.negative ? -magnitude : magnitude;
}

#endif
