/* SPDX-License-Identifier: MIT */
/*
 * What the programs here share: each measures one group of libc's functions and prints a line a row,
 * `name nanoseconds` of one call, the least of several rounds. Built by any compiler against any libc.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline int64_t nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* The optimiser can know nothing of what has passed through here. */
static void *volatile opaque_pointer;
static volatile uint64_t opaque_number;

static inline void *hide(const void *p) {
    opaque_pointer = (void *)p;
    return opaque_pointer;
}

static inline size_t hidden(size_t n) {
    opaque_number = n;
    return opaque_number;
}

/*
 * How many rounds each row runs: 1 to count instructions by callgrind, which MEASURE_ROUNDS=1 asks for, else
 * as many as make the least of them steady.
 */
static inline int measure_rounds(void) {
    const char *text = getenv("MEASURE_ROUNDS");
    return text ? atoi(text) : 7;
}

/* Runs `statement`, in which `i` counts, `count` times a round and prints the row. */
#define MEASURE(name, count, statement)                                                                      \
    do {                                                                                                     \
        int64_t best = INT64_MAX;                                                                            \
        for (int round = measure_rounds(); round > 0; round--) {                                             \
            int64_t begin = nanoseconds();                                                                   \
            for (long i = 0; i < (long)(count); i++) {                                                       \
                statement;                                                                                   \
            }                                                                                                \
            int64_t took = nanoseconds() - begin;                                                            \
            best = took < best ? took : best;                                                                \
        }                                                                                                    \
        printf("%s %.2f\n", name, (double)best / (double)(count));                                           \
    } while (0)

#endif
