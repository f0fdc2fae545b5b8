/* SPDX-License-Identifier: MIT */
/* long double is IEEE binary128 on every ISA: same bits, printed in full. */
#include "e2e.h"

#include <float.h>
#include <math.h>

static NOINLINE long double series(int n) {
    long double sum = 0, term = 1;
    for (int i = 1; i <= n; i++) {
        point();
        sum += term;
        term /= i;
    }
    return sum;
}

static NOINLINE long double average(int n, const long double *v) {
    long double sum = 0;
    for (int i = 0; i < n; i++) {
        point();
        sum += v[i];
    }
    return sum / n;
}

int main(void) {
    printf("digits %d\n", LDBL_MANT_DIG);
    long double e = series(40);
    printf("e %.33Lf\n", e);
    printf("sqrt2 %.33Lf\n", sqrtl(2.0L));
    long double v[3] = {1.0L / 3, 2.0L / 3, 1e-30L};
    printf("average %.33Le\n", average(3, v));
    printf("int %lld %d\n", (long long)(e * 1e15L), (int)-2.9L);
    double narrow = (double)e;
    float narrower = (float)e;
    printf("narrow %.17g %.9g\n", narrow, narrower);
    printf("huge %.10Lg %.10Lg\n", LDBL_MAX, LDBL_MIN);
    printf("parsed %.33Lf\n", strtold("3.14159265358979323846264338327950288", NULL));
    printf("compare %d %d %d\n", e > 2.7L, e == 2.7L, isnan(v[0] - v[0] == 0 ? NAN : e));
    printf("hex %La\n", 1.0L / 3);
    return 0;
}
