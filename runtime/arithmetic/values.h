/* SPDX-License-Identifier: MIT */
/* Values of C's types as bits and back. */
#ifndef POPCORN_ARITHMETIC_VALUES_H
#define POPCORN_ARITHMETIC_VALUES_H

#include "format.h"

#if __LDBL_MANT_DIG__ == 113
typedef long double quad;
#else
typedef __float128 quad;
#endif

#define VALUES(name, type, integer, format)                                                                  \
    ALWAYS_INLINE struct number name##_take(type value) {                                                    \
        integer bits;                                                                                        \
        __builtin_memcpy(&bits, &value, sizeof bits);                                                        \
        return take_apart(bits, format);                                                                     \
    }                                                                                                        \
    ALWAYS_INLINE type name##_make(uint128 wide) {                                                           \
        integer bits = (integer)wide;                                                                        \
        type value;                                                                                          \
        __builtin_memcpy(&value, &bits, sizeof value);                                                       \
        return value;                                                                                        \
    }

VALUES(half, _Float16, uint16_t, FORMAT_HALF)
VALUES(bfloat, __bf16, uint16_t, FORMAT_BFLOAT)
VALUES(float, float, uint32_t, FORMAT_FLOAT)
VALUES(double, double, uint64_t, FORMAT_DOUBLE)
VALUES(quad, quad, uint128, FORMAT_QUAD)

#undef VALUES

#endif
