/* SPDX-License-Identifier: MIT */
/* Waves on a plane (floats), and a cellular automaton (bytes). */
#include <stdio.h>

enum { N = 512 };
static float now[N][N], before[N][N];
static unsigned char cell[N][N], next[N][N];

static void wave(float (*to)[N], float (*from)[N], int n) {
    for (int y = 1; y < n - 1; y++)
        for (int x = 1; x < n - 1; x++)
            to[y][x] =
                2 * from[y][x] - to[y][x] +
                0.2f * (from[y - 1][x] + from[y + 1][x] + from[y][x - 1] + from[y][x + 1] - 4 * from[y][x]);
}

static void live(unsigned char (*to)[N], unsigned char (*from)[N], int n) {
    for (int y = 1; y < n - 1; y++)
        for (int x = 1; x < n - 1; x++) {
            int around = from[y - 1][x - 1] + from[y - 1][x] + from[y - 1][x + 1] + from[y][x - 1] +
                         from[y][x + 1] + from[y + 1][x - 1] + from[y + 1][x] + from[y + 1][x + 1];
            to[y][x] = around == 3 || (around == 2 && from[y][x]);
        }
}

int main(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            cell[i][j] = (i * i + j * 3) % 7 < 2;
    now[N / 2][N / 2] = 100;
    for (int round = 0; round < 200; round++) {
        wave(before, now, N);
        wave(now, before, N);
        live(next, cell, N);
        live(cell, next, N);
    }
    int count = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            count += cell[i][j];
    printf("%.7g %d\n", (double)now[N / 2 + 3][N / 2], count);
    return 0;
}
