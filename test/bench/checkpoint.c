/* SPDX-License-Identifier: MIT */
/*
 * checkpoint MIB FILE: fills so much memory with numbers that do not pack, and writes a checkpoint of itself
 * to FILE. Prints its seconds; who goes on from it prints the time of day, in seconds. checkpoint MIB SECONDS
 * PERCENT: changes so much of the memory a second, for so long, and prints the longest time, in milliseconds,
 * that it stood still: by the time of day, which goes on while the program is between two machines.
 */
#include <popcorn/migrate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int write_one(const char *file) {
    double begin = seconds(CLOCK_MONOTONIC);
    int r = popcorn_checkpoint(file);
    printf("%.6f\n", r == 1 ? seconds(CLOCK_REALTIME) : seconds(CLOCK_MONOTONIC) - begin);
    return r < 0;
}

static int stand_still(uint64_t *word, size_t words, double length, double percent, uint64_t *state) {
    enum { PAGE = 512 }; /* words */
    double begin = seconds(CLOCK_REALTIME), last = begin, longest = 0;
    double each = 100 / percent / (double)(words / PAGE), due = begin;
    while (last - begin < length) {
        for (; due < last; due += each)
            word[next(state) % words]++;
        double now = seconds(CLOCK_REALTIME);
        longest = now - last > longest ? now - last : longest;
        last = now;
    }
    printf("%.3f\n", longest * 1000);
    return 0;
}

int main(int argc, char **argv) {
    uint64_t state = 88172645463325252;
    size_t words = argc > 2 ? (size_t)atol(argv[1]) << 17 : 0;
    uint64_t *word = malloc(words * sizeof *word);
    if (!word || !words)
        return 2;
    for (size_t i = 0; i < words; i++)
        word[i] = next(&state);
    return argc > 3 ? stand_still(word, words, atof(argv[2]), atof(argv[3]), &state) : write_one(argv[2]);
}
