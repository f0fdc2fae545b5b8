/* SPDX-License-Identifier: MIT */
/* compute [ROUNDS [FILE [MILLISECONDS]]]: computes for a while, with a heap, a stack and a file, and sleeps
 * in between. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static double work(unsigned long n) {
    double x = 0;
    for (unsigned long i = 0; i < n; i++)
        x += (double)(i % 7) / 3;
    return x;
}
int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    char *heap = malloc(1 << 20);
    memset(heap, 'x', 1 << 20);
    FILE *f = argc > 2 ? fopen(argv[2], "w") : stdout;
    for (int i = 0; i < rounds; i++) {
        fprintf(f, "%d %.3f %c %d\n", i, work(30000000), heap[i * 1000], getpid() > 1);
        fflush(f);
        if (argc > 3)
            usleep((useconds_t)atoi(argv[3]) * 1000);
    }
    fprintf(f, "done\n");
    return 7;
}
