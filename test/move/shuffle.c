/* SPDX-License-Identifier: MIT */
/*
 * shuffle WHAT: changes a few of its 48 MiB all the time, until standard input ends, and holds each page
 * against what it must be before it changes it; in the end all of them. WHAT it does is in letters: w writes,
 * d gives pages back and reads them, m moves them, c makes children whose children live on for a while, k
 * lets the kernel merge what is alike.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 12288UL
#define WORDS 512UL
#define PAGE (WORDS * sizeof(uint64_t))
#define WINDOW 512 /* pages that are changed now */

static uint64_t *memory, first[PAGES]; /* 0: a page of zeros */
static uint64_t wrong, state = 88172645463325252;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t *at(uint64_t page) {
    return memory + page * WORDS;
}

static void check(uint64_t page) {
    const uint64_t *word = at(page);
    uint64_t differs = 0;
    for (uint64_t i = 0; i < WORDS; i++)
        differs |= word[i] ^ (first[page] ? first[page] + i : 0);
    wrong += differs != 0;
}

static void write_page(uint64_t page) {
    uint64_t *word = at(page);
    first[page] = next() % 64 ? next() | 1 : 1;
    for (uint64_t i = 0; i < WORDS; i++)
        word[i] = first[page] + i;
}

static void drop(uint64_t page) {
    wrong += madvise(at(page), PAGE, MADV_DONTNEED) != 0;
    first[page] = 0;
    check(page);
}

static void move(uint64_t page, uint64_t to) {
    if (page == to)
        return;
    wrong += mremap(at(page), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(to)) != at(to);
    first[to] = first[page];
    wrong += mmap(at(page), PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
             at(page);
    first[page] = 0;
    check(to);
}

static void make_child(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0)
            usleep(300000);
        _exit(0);
    }
    wrong += pid > 0 && (waitpid(pid, &status, 0) != pid || status);
}

static void step(const char *what, uint64_t number) {
    uint64_t base = number / 4096 * 97, page = (base + next() % WINDOW) % PAGES;
    char does = what[next() % strlen(what)];
    check(page);
    if (does == 'd')
        drop(page);
    else if (does == 'm' && number % 16 == 0)
        move(page, (base + next() % WINDOW) % PAGES);
    else if (does == 'c' && number % 8192 == 0)
        make_child();
    else if (does == 'w')
        write_page(page);
}

int main(int argc, char **argv) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    if (argc != 2)
        return 2;
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 9;
    for (uint64_t page = 0; page < PAGES; page++)
        write_page(page);
    if (strchr(argv[1], 'k'))
        madvise(memory, PAGES * PAGE, MADV_MERGEABLE);
    puts("ready");
    fflush(stdout);
    for (uint64_t i = 0; i % 256 || poll(&input, 1, 1) == 0; i++)
        step(argv[1], i);
    for (uint64_t page = 0; page < PAGES; page++)
        check(page);
    printf("wrong: %llu\n", (unsigned long long)wrong);
    return 6;
}
