/* SPDX-License-Identifier: MIT */
/* Many systems of five diagonals, solved along each direction of a grid. */
#include <stdio.h>

enum { N = 64 };
static double u[N][N][N], low[N], mid[N], high[N];

static void along_last(int n) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double *v = u[i][j];
            for (int k = 2; k < n; k++)
                v[k] = (v[k] - low[k] * v[k - 2] - high[k] * v[k - 1]) * mid[k];
            for (int k = n - 3; k >= 0; k--)
                v[k] -= high[k] * v[k + 1] + low[k] * v[k + 2];
        }
}

static void along_first(int n) {
    for (int i = 2; i < n; i++)
        for (int j = 0; j < n; j++)
            for (int k = 0; k < n; k++)
                u[i][j][k] = (u[i][j][k] - low[i] * u[i - 2][j][k] - high[i] * u[i - 1][j][k]) * mid[i];
    for (int i = n - 3; i >= 0; i--)
        for (int j = 0; j < n; j++)
            for (int k = 0; k < n; k++)
                u[i][j][k] -= high[i] * u[i + 1][j][k] + low[i] * u[i + 2][j][k];
}

int main(void) {
    for (int i = 0; i < N; i++) {
        low[i] = 0.02 + i * 1e-4;
        high[i] = 0.1 - i * 1e-4;
        mid[i] = 0.98;
        for (int j = 0; j < N; j++)
            for (int k = 0; k < N; k++)
                u[i][j][k] = (i * 3 + j * 5 + k * 7) % 19;
    }
    for (int round = 0; round < 120; round++) {
        along_last(N);
        along_first(N);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                for (int k = 0; k < N; k++)
                    u[i][j][k] = u[i][j][k] * 1.2 + 1;
    }
    printf("%.10g\n", u[7][8][9]);
    return 0;
}
