/* SPDX-License-Identifier: MIT */
/* Planets, and a cloud of particles that all see each other. */
#include <math.h>
#include <stdio.h>

enum { N = 700 };
static double x[N], y[N], z[N], vx[N], vy[N], vz[N], mass[N];

static void step(int n, double dt) {
    for (int i = 0; i < n; i++) {
        double ax = 0, ay = 0, az = 0;
        for (int j = 0; j < n; j++) {
            double dx = x[j] - x[i], dy = y[j] - y[i], dz = z[j] - z[i];
            double d = dx * dx + dy * dy + dz * dz + 1e-3, f = mass[j] / (d * sqrt(d));
            ax += f * dx;
            ay += f * dy;
            az += f * dz;
        }
        vx[i] += ax * dt;
        vy[i] += ay * dt;
        vz[i] += az * dt;
    }
    for (int i = 0; i < n; i++) {
        x[i] += vx[i] * dt;
        y[i] += vy[i] * dt;
        z[i] += vz[i] * dt;
    }
}

int main(void) {
    for (int i = 0; i < N; i++) {
        x[i] = i % 10;
        y[i] = i / 10 % 10;
        z[i] = i / 100;
        mass[i] = 1e-3 * (i % 7 + 1);
    }
    for (int round = 0; round < 60; round++)
        step(N, 1e-3);
    printf("%.10g\n", x[5] + y[77] + z[N - 1]);
    return 0;
}
