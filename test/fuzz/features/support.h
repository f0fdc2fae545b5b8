/* SPDX-License-Identifier: MIT */
/*
 * What the programs of generate.c are made with. They compute the same with popcorn-clang and with a native
 * clang: `quad` is binary128 in both. NaNs count as one; nothing overflows but what wraps.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <complex.h>
#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __popcorn__
#include <popcorn/migrate.h>
#define POINT() ((void)check_migrate(NULL, NULL))
#else
#define POINT() ((void)0)
#endif

#if __LDBL_MANT_DIG__ == 113
typedef long double quad;
typedef long double _Complex cquad;
#else
typedef __float128 quad;
typedef __float128 _Complex cquad;
#endif

#define NOINLINE __attribute__((noinline))

typedef __int128 i128;
typedef unsigned __int128 u128;
typedef _Float16 half;
typedef float _Complex cfloat;
typedef double _Complex cdouble;

/* What is computed by a method that libraries may choose: compared between ISAs, not with native code. */
extern _Thread_local uint64_t own;

static inline uint64_t mix(uint64_t h, uint64_t v) {
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static inline uint64_t mix_float(uint64_t h, float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return mix(h, v != v ? 0x7fc00000 : bits);
}

static inline uint64_t mix_double(uint64_t h, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return mix(h, v != v ? 12345 : bits);
}

static inline uint64_t mix_half(uint64_t h, half v) {
    return mix_float(h, (float)v);
}

static inline uint64_t mix_quad(uint64_t h, quad v) {
    uint64_t bits[2];
    memcpy(bits, &v, sizeof bits);
    return v != v ? mix(h, 54321) : mix(mix(h, bits[0]), bits[1]);
}

/* An integer of any width, by its lowest 64 bits again and again. */
#define MIX_INTEGER(h, v, width)                                                                             \
    do {                                                                                                     \
        for (int shift_ = 0; shift_ < (width); shift_ += 64)                                                 \
            h = mix(h, (uint64_t)((v) >> shift_));                                                           \
    } while (0)

#define MIX_ELEMENTS(h, v, count, how)                                                                       \
    do {                                                                                                     \
        for (int element_ = 0; element_ < (count); element_++)                                               \
            h = how(h, (v)[element_]);                                                                       \
    } while (0)

/* Only what fits into every integer. */
static inline int to_integer(double v) {
    return v > -60.0 && v < 60.0 ? (int)v : 11;
}

static inline int64_t to_large(double v) {
    return v > -9e18 && v < 9e18 ? (int64_t)v : -12;
}

#define DIVISOR(v) ((v) == 0 || (v) == -1 ? 3 : (v))

#endif
