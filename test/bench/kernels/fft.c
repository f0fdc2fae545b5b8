/* SPDX-License-Identifier: MIT */
/* A fast Fourier transform there and back, radix 2, in place. */
#include <math.h>
#include <stdio.h>

enum { LOG = 14, N = 1 << LOG };
static double re[N], im[N], cosine[N / 2], sine[N / 2];

static void transform(int n, double sign) {
    for (int i = 0, j = 0; i < n; i++) {
        if (i < j) {
            double t = re[i];
            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
        int bit = n >> 1;
        for (; bit && (j & bit); bit >>= 1)
            j ^= bit;
        j |= bit;
    }
    for (int half = 1; half < n; half *= 2) {
        int step = n / (2 * half);
        for (int i = 0; i < n; i += 2 * half)
            for (int k = 0; k < half; k++) {
                double c = cosine[k * step], s = sign * sine[k * step];
                double *ar = &re[i + k], *ai = &im[i + k], *br = ar + half, *bi = ai + half;
                double tr = *br * c - *bi * s, ti = *br * s + *bi * c;
                *br = *ar - tr;
                *bi = *ai - ti;
                *ar += tr;
                *ai += ti;
            }
    }
}

int main(void) {
    for (int i = 0; i < N / 2; i++) {
        cosine[i] = cos(6.283185307179586 * i / N);
        sine[i] = sin(6.283185307179586 * i / N);
    }
    for (int i = 0; i < N; i++)
        re[i] = i % 37;
    double sum = 0;
    for (int round = 0; round < 180; round++) {
        transform(N, -1);
        sum += re[round] * 1e-6;
        transform(N, 1);
        for (int i = 0; i < N; i++) {
            re[i] /= N;
            im[i] /= N;
        }
    }
    printf("%.6g %.6g\n", re[5], sum);
    return 0;
}
