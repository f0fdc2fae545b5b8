/* SPDX-License-Identifier: MIT */
/* Complex arithmetic of every type. The compiler calls functions for it, whose native conventions differ by
 * ISA. */
/* e2e: modes=none,self,hop,back,far */
#include <complex.h>
#include <math.h>

#include "e2e.h"

/* Libraries divide by different methods: the last digits of quotients and the signs of zeros may differ. */
static void show(const char *what, long double complex z, int digits) {
    printf("%s %.*g %.*g\n", what, digits, (double)creall(z) + 0, digits, (double)cimagl(z) + 0);
}

static const double parts[] = {0.0, -0.0, 1.5, -2.25, 96.0, -0.375, INFINITY, -INFINITY, 0.5};
#define PARTS ((int)(sizeof parts / sizeof *parts))

#define ARITHMETIC(name, type, digits)                                                                       \
    static NOINLINE type name##_step(type a, type b, int what) {                                             \
        type live = a + b;                                                                                   \
        point();                                                                                             \
        return what == 0 ? a * b : what == 1 ? a / b : what == 2 ? live - b : live * live / (a - 3);         \
    }                                                                                                        \
    static void name(void) {                                                                                 \
        for (int i = 0; i < PARTS * PARTS; i++) {                                                            \
            type a = MAKE(parts[i % PARTS], parts[i / PARTS]);                                               \
            type b = MAKE(parts[i * 5 % PARTS] + 1, parts[i * 7 % PARTS] - 2);                               \
            for (int what = 0; what < 4; what++) {                                                           \
                type z = name##_step(a, b, what);                                                            \
                if (isfinite(creall(z)) && isfinite(cimagl(z)))                                              \
                    show(#name, z, digits);                                                                  \
            }                                                                                                \
        }                                                                                                    \
    }

#define MAKE(x, y) __builtin_complex((long double)(x), (long double)(y))

ARITHMETIC(single, float complex, 5)
ARITHMETIC(twice, double complex, 13)

/* Values that every long double holds exactly, results too. */
static NOINLINE long double complex quotient(long double complex a, long double complex b) {
    point();
    return a / b;
}

/* Quotients whose parts lie far apart: what is small in the divisor must not be lost. */
static NOINLINE void apart(int numerator, int denominator, int small) {
    double complex a = __builtin_complex(ldexp(1.75, small), ldexp(-1.375, numerator));
    double complex b = __builtin_complex(ldexp(1.8125, -numerator), ldexp(1.5, denominator));
    point();
    double complex z = a / b;
    double real = cimag(a) / cimag(b), imaginary = real * creal(b) / cimag(b) - creal(a) / cimag(b);
    printf("apart %.10f %.10f\n", creal(z) / real, cimag(z) / imaginary);
}

static NOINLINE void far_apart(int numerator, int denominator, int small) {
    long double complex a = MAKE(ldexpl(1.75L, small), ldexpl(-1.375L, numerator));
    long double complex b = MAKE(ldexpl(1.8125L, -numerator), ldexpl(1.5L, denominator));
    point();
    long double complex z = a / b;
    long double real = cimagl(a) / cimagl(b),
                imaginary = real * creall(b) / cimagl(b) - creall(a) / cimagl(b);
    printf("apart %.10f %.10f\n", (double)(creall(z) / real), (double)(cimagl(z) / imaginary));
}

int main(void) {
    single();
    twice();
    show("extended", quotient(MAKE(7.5L, 15.0L), MAKE(1.5L, 3.0L)), 15);
    show("extended", quotient(MAKE(-3.0L, 4.0L), MAKE(0.0L, 0.5L)), 15);
    show("extended", MAKE(1.25L, -2.0L) * quotient(MAKE(8.0L, 0.0L), MAKE(2.0L, 2.0L)), 15);
    apart(1010, 53, -100);
    apart(990, -20, -900);
    far_apart(16370, 869, -8480);
    far_apart(16000, -300, -16300);
    return 0;
}
