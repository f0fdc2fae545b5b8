/* SPDX-License-Identifier: MIT */
/* e2e: flags=-ffast-math */
/* Functions of libm that no source names, which a code generator calls in place of what it has no instruction
 * for. */
#include "e2e.h"

#include <complex.h>
#include <math.h>

static NOINLINE void in_double(double x, double y) {
    point();
    printf("%.9f %.9f %.9f %.9f\n", fmin(x, y), fmax(x, y), copysign(x, -y), fma(x, y, x));
    printf("%.9f %.9f %.9f %.9f\n", fmod(x, y), fmod(x, 4294967296.0), fmod(x, 1.0), remainder(x, y));
    point();
    printf("%.9f %.9f %.9f %.9f\n", floor(x), ceil(x), trunc(x), rint(x));
    printf("%.9f %.9f %ld %ld\n", nearbyint(x), round(x), lrint(x), lround(x));
    point();
    printf("%.9f %.9f %.9f %.9f\n", pow(x, 1.0 / 3), pow(x, 0.25), exp2(x), ldexp(x, 3));
}

static NOINLINE void in_float(float x, float y) {
    printf("%.5f %.5f %.5f %.5f\n", fminf(x, y), fmaxf(x, y), fmodf(x, y), fmodf(x, 8));
    point();
    printf("%.5f %.5f %.5f %.5f\n", truncf(x), roundf(x), powf(x, 1.0f / 3), sqrtf(x));
}

static NOINLINE void in_long_double(long double x, long double y) {
    long double whole;
    int exponent;
    point();
    printf("%.9Lf %.9Lf %.9Lf %.9Lf\n", fminl(x, y), fmaxl(x, y), copysignl(x, -y), fmal(x, y, x));
    printf("%.9Lf %.9Lf %.9Lf %.9Lf\n", fmodl(x, y), truncl(x), floorl(x), rintl(x));
    point();
    printf("%.9Lf %ld %.9Lf\n", roundl(x), lroundl(x), sqrtl(x));
    printf("%.9Lf %.9Lf ", frexpl(x, &exponent), modfl(x, &whole));
    printf("%d %.9Lf\n", exponent, whole);
}

static NOINLINE void in_complex(double complex z) {
    z = z * z / (1 + z);
    point();
    printf("%.9f %.9f\n", creal(z), cimag(z));
}

int main(void) {
    for (int i = 0; i < 8; i++) {
        double x = 0.7 + i * 1.3, y = 2.5 - i * 0.2;
        in_double(x, y);
        in_float((float)x, (float)y);
        in_long_double(x, y);
        in_complex(x + y * I);
    }
    return 0;
}
