/* SPDX-License-Identifier: MIT */
/*
 * A row of tools/bench peers is one function of libc at one size. A program of this folder has a group of
 * them; called without arguments it names them and their
 * numbers of calls, called with a name it does that row's work, with a
 * number behind it only so many calls, and prints the number of calls it made. The optimiser must not see
 * what a call is given, nor that its result is not needed.
 */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *name;
    long calls; /* some tenths of a second's worth with glibc */
    void (*work)(long calls, size_t size);
    size_t size;
};

extern const struct row rows[]; /* ended by one without a name */

/* Its value, unknown to the optimiser. */
#define hidden(value)                                                                                        \
    __extension__({                                                                                          \
        __typeof__((value) + 0) hidden_ = (value);                                                           \
        __asm__ volatile("" : "+r"(hidden_) : : "memory");                                                   \
        hidden_;                                                                                             \
    })

/* Uses a value. */
#define used(value) __asm__ volatile("" : : "r"(value) : "memory")

int main(int argc, char **argv) {
    for (const struct row *r = rows; r->name; r++) {
        if (argc < 2)
            printf("%s\t%ld\n", r->name, r->calls);
        else if (!strcmp(r->name, argv[1])) {
            long calls = argc > 2 ? atol(argv[2]) : r->calls;
            r->work(calls, r->size);
            return printf("%ld\n", calls) < 0;
        }
    }
    return argc < 2 ? 0 : 2;
}

#endif
