/* SPDX-License-Identifier: MIT */
/* Fills 48 MiB, forks or moves half of it, as standard input says, and looks at it at once and later. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS (6UL << 20)
#define BYTES (WORDS * sizeof(uint64_t))

static int wrong(const uint64_t *word, uint64_t from, uint64_t to) {
    int count = 0;
    for (uint64_t i = from; i < to; i++)
        count += word[i - from] != i * 0x9e3779b97f4a7c15;
    return count;
}

int main(void) {
    int status;
    char line[16];
    uint64_t *word = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (word == MAP_FAILED)
        return 9;
    for (uint64_t i = 0; i < WORDS; i++)
        word[i] = i * 0x9e3779b97f4a7c15;
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        return 8;
    pid_t pid = line[0] == 'f' ? fork() : 0;
    uint64_t *place = mmap(NULL, BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t *half =
        line[0] == 'm' ? mremap(word + WORDS / 2, BYTES / 2, BYTES / 2, MREMAP_MAYMOVE | MREMAP_FIXED, place)
                       : word + WORDS / 2;
    int first = wrong(word, 0, WORDS / 4);
    sleep(2);
    int second = wrong(word, 0, WORDS / 2) + wrong(half, WORDS / 2, WORDS);
    if (line[0] == 'f' && pid == 0)
        _exit(first + second != 0);
    printf("wrong: %d, %d, %d\n", first, second, line[0] == 'f' && (wait(&status) != pid || status));
    return 6;
}
