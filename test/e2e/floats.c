/* SPDX-License-Identifier: MIT */
/* Floating-point values live at migration points: the same bits as without migrating. */
#include "e2e.h"

#include <complex.h>
#include <math.h>

static NOINLINE double polynomial(double x, const double *c, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        point();
        sum = sum * x + c[i];
    }
    return sum;
}

static NOINLINE float narrow(float a, double b, float c) {
    float kept = a * c;
    for (int i = 0; i < 20; i++) {
        point();
        kept = kept * 0.75f + (float)b;
        b = b * 0.5 + (double)c;
    }
    return kept;
}

static NOINLINE double complex iterate(double complex z, double complex c, int n) {
    for (int i = 0; i < n; i++) {
        point();
        z = z * z + c;
    }
    return z;
}

static NOINLINE double many(double a, double b, double c, double d, double e, double f, double g, double h,
                            double i, double j) {
    for (int k = 0; k < 10; k++) {
        point();
        a += b * 0.5, b += c * 0.25, c -= d, d += e * 0.125, e -= f * 0.5, f += g, g -= h * 0.5, h += i,
            i -= j, j += a;
    }
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

int main(void) {
    double c[] = {1, -2.5, 3.25, 0.1, -0.7, 1e-3};
    printf("polynomial %a\n", polynomial(1.1, c, 6));
    printf("narrow %a\n", (double)narrow(1.5f, 2.5, 0.3f));
    double complex z = iterate(0.1 + 0.2 * I, -0.4 + 0.3 * I, 30);
    printf("complex %a %a\n", creal(z), cimag(z));
    printf("many %a\n", many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    printf("exact %a %a %a %a\n", sqrt(2), floor(-2.5), fabs(-0.0), fmod(10.5, 3));
    double sum = 0;
    for (int i = 1; i <= 200; i++) {
        point();
        sum += sin(i) * exp(-i / 50.0) + log(i) / pow(i, 1.5);
    }
    printf("libm %.10g\n", sum);
    double special[] = {INFINITY, -INFINITY, NAN, -0.0, 5e-324, 1.7976931348623157e308};
    for (int i = 0; i < 6; i++) {
        point();
        printf("%g%d ", isnan(special[i]) ? 0.0 : special[i], signbit(special[i]) != 0);
    }
    printf("\n%.17g %.3e %g %f\n", 0.1, 12345.678, 1e100, 1.0 / 3);
    printf("%.17g %.9g\n", strtod("2.2250738585072011e-308", NULL), (double)strtof("16777217", NULL));
    return 0;
}
