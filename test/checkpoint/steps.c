/* SPDX-License-Identifier: MIT */
/*
 * steps FILE STEPS MIB: changes a little of a large memory in each step and writes a line to FILE; every
 * hundredth line has a sum of all that memory, so that a page from another moment shows.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t sum(const uint64_t *word, size_t words) {
    uint64_t s = 0;
    for (size_t i = 0; i < words; i++)
        s = s * 31 + word[i];
    return s;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    long steps = atol(argv[2]);
    size_t words = (size_t)atol(argv[3]) << 17;
    uint64_t state = 88172645463325252, *word = malloc(words * sizeof *word);
    FILE *file = fopen(argv[1], "w");
    if (!word || !file)
        return 3;
    fprintf(stderr, "begun\n");
    for (size_t i = 0; i < words; i++)
        word[i] = next(&state);
    for (long step = 0; step < steps; step++) {
        for (int i = 0; i < 2000; i++)
            word[next(&state) % words] += state;
        fprintf(file, "%ld %llx\n", step, (unsigned long long)(step % 100 ? state : sum(word, words)));
        fflush(file);
    }
    return 7;
}
