/* SPDX-License-Identifier: MIT */
/*
 * Writes a checkpoint FILE of itself. Who goes on from it writes SECOND before it has touched its memory,
 * forks, gives memory back, makes it larger, moves it, overwrites FILE, and hops.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <popcorn/migrate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS (3UL << 20) /* of 8 bytes: 24 MiB */
#define PAGE 512UL        /* words */

static uint64_t word_of(uint64_t i, uint64_t salt) {
    return (i + salt) * 0x9e3779b97f4a7c15;
}

/* How many words are not as they were. */
static uint64_t differ(const uint64_t *word, uint64_t from, uint64_t to, uint64_t salt) {
    uint64_t wrong = 0;
    for (uint64_t i = from; i < to; i++)
        wrong += word[i] != word_of(i, salt);
    return wrong;
}

static uint64_t *map(uint64_t salt) {
    uint64_t *word = mmap(NULL, 8 * WORDS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (word == MAP_FAILED)
        exit(9);
    for (uint64_t i = 0; i < WORDS; i++)
        word[i] = word_of(i, salt);
    return word;
}

static uint64_t in_a_child(const uint64_t *word) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(differ(word, 0, WORDS, 1) != 0);
    return waitpid(pid, &status, 0) != pid || status;
}

static uint64_t count(const uint64_t *word, uint64_t from, uint64_t to) {
    uint64_t set = 0;
    for (uint64_t i = from; i < to; i++)
        set += word[i] != 0;
    return set;
}

static void spoil(const char *file) {
    static char bytes[1 << 20];
    int fd = open(file, O_WRONLY);
    memset(bytes, 0xee, sizeof bytes);
    for (off_t at = 0, end = lseek(fd, 0, SEEK_END); at < end; at += (off_t)sizeof bytes)
        if (pwrite(fd, bytes, sizeof bytes, at) < 0)
            exit(8);
    close(fd);
}

int main(int argc, char **argv) {
    uint64_t *a = map(1), *b = map(2), *c = map(3), *d = map(4);
    if (argc < 3)
        return 2;
    mprotect(d, 8 * WORDS, PROT_READ);
    int r = popcorn_checkpoint(argv[1]);
    if (r == 0)
        return 0;
    int again = popcorn_checkpoint(argv[2]); /* before any page has been touched */
    printf("goes on %d, %d\n", r, again);
    printf("in a child %d\n", (int)in_a_child(a));
    uint64_t half = WORDS / 2 + 3 * PAGE;
    madvise(b + half, 8 * PAGE * 700, MADV_DONTNEED);
    printf("given back %d, the rest %d\n", (int)count(b, half, half + PAGE * 700),
           (int)(differ(b, 0, half, 2) + differ(b, half + PAGE * 700, WORDS, 2)));
    c[5] = 7;
    uint64_t *larger = mremap(c, 8 * WORDS, 16 * WORDS, MREMAP_MAYMOVE);
    c = larger == MAP_FAILED ? c : larger;
    printf("grown %d, %d, %d\n", larger != MAP_FAILED, (int)(differ(c, 0, WORDS, 3)),
           (int)count(c, WORDS, 2 * WORDS));
    uint64_t *other = mmap(NULL, 32 * WORDS, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    c = mremap(c, 16 * WORDS, 16 * WORDS, MREMAP_MAYMOVE | MREMAP_FIXED, other + WORDS);
    printf("moved %d, %d\n", c == other + WORDS, (int)(differ(c, 0, WORDS, 3)));
    sleep(2); /* by then memory is the program's own */
    spoil(argv[1]);
    mprotect(d, 8 * WORDS, PROT_READ | PROT_WRITE);
    migrate(1, NULL, NULL);
    printf("after all %d, %d\n", (int)differ(a, 0, WORDS, 1), (int)differ(d, 0, WORDS, 4));
    return 5;
}
