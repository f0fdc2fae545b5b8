/* SPDX-License-Identifier: MIT */
/*
 * hop ROUNDS DEPTH A B: hops between node A and node B, ROUNDS times there and back, DEPTH frames deep. The statistics
 * tell how long each took.
 */
#include <popcorn/migrate.h>
#include <stdio.h>
#include <stdlib.h>

static int rounds, a, b;

static __attribute__((noinline)) long deep(int depth, long x, long y, double z) {
    if (depth == 0) {
        for (int i = 0; i < rounds; i++)
            if (migrate(b, NULL, NULL) < 0 || migrate(a, NULL, NULL) < 0)
                return -1;
        return 0;
    }
    long below = deep(depth - 1, x + depth, y ^ depth, z * 0.5);
    return below < 0 ? below : below + (x & 1) + (y & 1) + (z > 1);
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fputs("usage: hop ROUNDS DEPTH A B\n", stderr);
        return 2;
    }
    rounds = atoi(argv[1]);
    a = atoi(argv[3]);
    b = atoi(argv[4]);
    return deep(atoi(argv[2]), 1, 2, 3.5) < 0;
}
