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

int main(void) {
    single();
    twice();
    show("extended", quotient(MAKE(7.5L, 15.0L), MAKE(1.5L, 3.0L)), 15);
    show("extended", quotient(MAKE(-3.0L, 4.0L), MAKE(0.0L, 0.5L)), 15);
    show("extended", MAKE(1.25L, -2.0L) * quotient(MAKE(8.0L, 0.0L), MAKE(2.0L, 2.0L)), 15);
    return 0;
}
