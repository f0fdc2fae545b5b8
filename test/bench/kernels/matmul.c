/* SPDX-License-Identifier: MIT */
/* Dense linear algebra: a product of matrices, and a system solved by elimination. */
#include <math.h>
#include <stdio.h>

enum { N = 320 };
static double a[N][N], b[N][N], c[N][N], x[N];

static void multiply(int n) {
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            double t = a[i][k];
            for (int j = 0; j < n; j++)
                c[i][j] += t * b[k][j];
        }
}

static void solve(int n) {
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++)
            if (fabs(c[i][k]) > fabs(c[pivot][k]))
                pivot = i;
        for (int j = 0; j < n; j++) {
            double t = c[k][j];
            c[k][j] = c[pivot][j];
            c[pivot][j] = t;
        }
        double t = x[k];
        x[k] = x[pivot];
        x[pivot] = t;
        for (int i = k + 1; i < n; i++) {
            double f = c[i][k] / c[k][k];
            for (int j = k; j < n; j++)
                c[i][j] -= f * c[k][j];
            x[i] -= f * x[k];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++)
            x[i] -= c[i][j] * x[j];
        x[i] /= c[i][i];
    }
}

int main(void) {
    double sum = 0;
    for (int round = 0; round < 12; round++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                a[i][j] = (i * 7 + j * 3 + round) % 11;
                b[i][j] = (i * 5 + j * 13) % 17;
                c[i][j] = i == j ? 1000 : 0;
            }
            x[i] = i;
        }
        multiply(N);
        solve(N);
        sum += x[round];
    }
    printf("%.10g\n", sum);
    return 0;
}
