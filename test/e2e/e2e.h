/* SPDX-License-Identifier: MIT */
/*
 * For the end-to-end programs: the same source is built by popcorn-clang and, for the output to compare
 * with, by the machine's own compiler, where a migration point is nothing.
 */
#ifndef E2E_H
#define E2E_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __popcorn__
#include <popcorn/migrate.h>
#define point() ((void)check_migrate(NULL, NULL))
#else
#define point() ((void)0)
#endif

#define NOINLINE __attribute__((noinline))

/* Ends the program with a message when a condition does not hold. Safe from any thread. */
#define require(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                 \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

/* A small generator whose sequence is the same everywhere. */
static inline uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* FNV-1a, to print what a block of memory holds in one number. */
static inline uint64_t hash_bytes(const void *data, size_t size) {
    const unsigned char *byte = data;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * 1099511628211u;
    return hash;
}

#endif
