/* SPDX-License-Identifier: MIT */
/* apart FILE: writes a checkpoint of itself, with memory that the children of a fork do not have, or find
 * empty. */
#define _GNU_SOURCE
#include <popcorn/migrate.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#define WORDS (1UL << 17)

static int wrong(const uint64_t *word) {
    int count = 0;
    for (uint64_t i = 0; i < WORDS; i++)
        count += word[i] != i + 1;
    return count;
}

int main(int argc, char **argv) {
    uint64_t *word[2];
    for (int k = 0; k < 2; k++) {
        word[k] =
            mmap(NULL, WORDS * sizeof **word, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (word[k] == MAP_FAILED)
            return 9;
        for (uint64_t i = 0; i < WORDS; i++)
            word[k][i] = i + 1;
        if (madvise(word[k], WORDS * sizeof **word, k ? MADV_WIPEONFORK : MADV_DONTFORK))
            return 9;
    }
    int r = argc == 2 ? popcorn_checkpoint(argv[1]) : -1;
    printf("%d, wrong %d, %d\n", r, wrong(word[0]), wrong(word[1]));
    return 3 + r;
}
