/* SPDX-License-Identifier: MIT */
/* Sparse linear algebra: conjugate gradients on a matrix of compressed rows. */
#include <stdio.h>

enum { SIDE = 160, N = SIDE * SIDE };
static int row[N + 1], column[5 * N];
static double value[5 * N], x[N], r[N], p[N], q[N];

static void put(int i, int j, double v) {
    column[row[i + 1]] = j;
    value[row[i + 1]++] = v;
}

static void build(void) {
    for (int i = 0; i < N; i++) {
        row[i + 1] = row[i];
        if (i >= SIDE)
            put(i, i - SIDE, -1);
        if (i % SIDE)
            put(i, i - 1, -1);
        put(i, i, 4.01);
        if (i % SIDE != SIDE - 1)
            put(i, i + 1, -1);
        if (i < N - SIDE)
            put(i, i + SIDE, -1);
    }
}

static void multiply(double *to, const double *from, int n) {
    for (int i = 0; i < n; i++) {
        double s = 0;
        for (int k = row[i]; k < row[i + 1]; k++)
            s += value[k] * from[column[k]];
        to[i] = s;
    }
}

static double dot(const double *a, const double *b, int n) {
    double s = 0;
    for (int i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

static void add(double *to, const double *from, double factor, int n) {
    for (int i = 0; i < n; i++)
        to[i] += factor * from[i];
}

int main(void) {
    build();
    for (int i = 0; i < N; i++)
        p[i] = r[i] = i % 13;
    double rr = dot(r, r, N);
    for (int step = 0; step < 600; step++) {
        multiply(q, p, N);
        double alpha = rr / dot(p, q, N);
        add(x, p, alpha, N);
        add(r, q, -alpha, N);
        double next = dot(r, r, N), beta = next / rr;
        for (int i = 0; i < N; i++)
            p[i] = r[i] + beta * p[i];
        rr = next + 1e-300;
    }
    printf("%.10g\n", dot(x, x, N));
    return 0;
}
