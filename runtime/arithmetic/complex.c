/* SPDX-License-Identifier: MIT */
/* Division of complex numbers, as a part of the module: the front end calls these functions. */
#include <stdbool.h>
#include <stdint.h>

_Complex float __divsc3(float, float, float, float);
_Complex double __divdc3(double, double, double, double);
_Complex long double __divtc3(long double, long double, long double, long double);

#define REAL double
#define BITS uint64_t
#define FRACTION 52
#define LARGEST 1023
#define NAME(x) double_##x
#include "quotient.h"

#define REAL long double
#define BITS unsigned __int128
#define FRACTION 112
#define LARGEST 16383
#define NAME(x) quad_##x
#include "quotient.h"

/* Products of floats are exact in double, and never too large or too small. */
_Complex float __divsc3(float a, float b, float c, float d) {
    return (_Complex float)double_quotient(a, b, c, d);
}

_Complex double __divdc3(double a, double b, double c, double d) {
    return double_quotient(a, b, c, d);
}

_Complex long double __divtc3(long double a, long double b, long double c, long double d) {
    return quad_quotient(a, b, c, d);
}
