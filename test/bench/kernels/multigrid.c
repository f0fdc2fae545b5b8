/* SPDX-License-Identifier: MIT */
/* Multigrid in three dimensions: relaxation, restriction, prolongation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 5 };
#define AT(u, n, i, j, k) ((u)[((long)(i) * (n) + (j)) * (n) + (k)])

static void relax(double *u, const double *f, double *r, int n) {
    for (int i = 1; i < n - 1; i++)
        for (int j = 1; j < n - 1; j++)
            for (int k = 1; k < n - 1; k++)
                AT(r, n, i, j, k) = AT(f, n, i, j, k) - 6 * AT(u, n, i, j, k) + AT(u, n, i - 1, j, k) +
                                    AT(u, n, i + 1, j, k) + AT(u, n, i, j - 1, k) + AT(u, n, i, j + 1, k) +
                                    AT(u, n, i, j, k - 1) + AT(u, n, i, j, k + 1);
    for (int i = 1; i < n - 1; i++)
        for (int j = 1; j < n - 1; j++)
            for (int k = 1; k < n - 1; k++)
                AT(u, n, i, j, k) += 0.125 * AT(r, n, i, j, k);
}

static void restrict_to(double *coarse, const double *r, int n, int m) {
    for (int i = 1; i < m - 1; i++)
        for (int j = 1; j < m - 1; j++)
            for (int k = 1; k < m - 1; k++)
                AT(coarse, m, i, j, k) =
                    AT(r, n, 2 * i, 2 * j, 2 * k) +
                    0.5 * (AT(r, n, 2 * i - 1, 2 * j, 2 * k) + AT(r, n, 2 * i + 1, 2 * j, 2 * k));
}

static void prolong(double *u, const double *coarse, int n, int m) {
    for (int i = 1; i < m - 1; i++)
        for (int j = 1; j < m - 1; j++)
            for (int k = 1; k < m - 1; k++) {
                double v = 0.5 * AT(coarse, m, i, j, k);
                AT(u, n, 2 * i, 2 * j, 2 * k) += v;
                AT(u, n, 2 * i, 2 * j, 2 * k + 1) += v;
            }
}

int main(void) {
    double *u[LEVELS], *f[LEVELS], *r[LEVELS];
    int size[LEVELS];
    for (int l = 0, n = 66; l < LEVELS; l++, n = n / 2 + 1) {
        size[l] = n;
        u[l] = calloc((size_t)n * n * n, sizeof *u[l]);
        f[l] = calloc((size_t)n * n * n, sizeof *f[l]);
        r[l] = calloc((size_t)n * n * n, sizeof *r[l]);
        if (!u[l] || !f[l] || !r[l])
            return 1;
    }
    for (int i = 0; i < size[0] * size[0] * size[0]; i++)
        f[0][i] = (i % 101 == 0) - (i % 103 == 0);
    for (int cycle = 0; cycle < 200; cycle++) {
        for (int l = 0; l < LEVELS - 1; l++) {
            relax(u[l], f[l], r[l], size[l]);
            restrict_to(f[l + 1], r[l], size[l], size[l + 1] - 1);
            memset(u[l + 1], 0,
                   sizeof *u[l] * (size_t)size[l + 1] * (size_t)size[l + 1] * (size_t)size[l + 1]);
        }
        for (int l = LEVELS - 2; l >= 0; l--) {
            relax(u[l + 1], f[l + 1], r[l + 1], size[l + 1]);
            prolong(u[l], u[l + 1], size[l], size[l + 1] - 1);
        }
    }
    double sum = 0;
    for (int i = 0; i < size[0] * size[0] * size[0]; i++)
        sum += u[0][i] * u[0][i];
    printf("%.10g\n", sum);
    return 0;
}
