/* SPDX-License-Identifier: MIT */
/* Sorting, streams, time, threads. */
#include "bench.h"
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

struct record {
    int key, rest[9];
};

static int by_int(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_ints(long calls, size_t size) {
    int *list = malloc(size * sizeof *list);
    for (long i = 0; list && i < calls; i++) {
        uint32_t random = (uint32_t)i;
        for (size_t k = 0; k < size; k++)
            list[k] = (int)((random = random * 1664525 + 1013904223) >> 4);
        qsort(list, size, sizeof *list, by_int);
    }
    free(list);
}

static void sort_records(long calls, size_t size) {
    struct record *list = calloc(size, sizeof *list);
    for (long i = 0; list && i < calls; i++) {
        uint32_t random = (uint32_t)i;
        for (size_t k = 0; k < size; k++)
            list[k].key = (int)((random = random * 1664525 + 1013904223) >> 4);
        qsort(list, size, sizeof *list, by_int);
    }
    free(list);
}

static void sort_texts(long calls, size_t size) {
    char(*text)[16] = calloc(size, sizeof *text), **list = malloc(size * sizeof *list);
    uint32_t random = 1;
    for (size_t k = 0; text && k < size; k++)
        snprintf(text[k], sizeof *text, "%u", (random = random * 1664525 + 1013904223) >> 4);
    for (long i = 0; text && list && i < calls; i++) {
        for (size_t k = 0; k < size; k++)
            list[k] = text[k];
        qsort(list, size, sizeof *list, by_text);
    }
    free(text);
    free(list);
}

static void search(long calls, size_t size) {
    int *list = malloc(size * sizeof *list);
    for (size_t k = 0; list && k < size; k++)
        list[k] = (int)k * 3;
    for (long i = 0; list && i < calls; i++) {
        int key = (int)((uint32_t)i * 2654435761u % (size * 3));
        used(bsearch(&key, list, size, sizeof *list, by_int));
    }
    free(list);
}

/* A file of a million short lines. */
static FILE *lines(void) {
    FILE *f = tmpfile();
    if (!f)
        abort();
    for (int i = 0; i < 1000000; i++)
        fprintf(f, "line %d\n", i);
    rewind(f);
    return f;
}

static void write_lines(long calls, size_t size) {
    (void)size;
    FILE *f = fopen("/dev/null", "w");
    for (long i = 0; f && i < calls; i++)
        fprintf(f, "%ld\n", i);
    if (f)
        fclose(f);
}

static void read_lines(long calls, size_t size) {
    char line[64];
    (void)size;
    FILE *f = lines();
    for (long i = 0; i < calls; i += 1000000) {
        rewind(f);
        while (fgets(line, sizeof line, f))
            used(line);
    }
    fclose(f);
}

static void read_chars(long calls, size_t size) {
    (void)size;
    FILE *f = lines();
    for (long i = 0; i < calls; i++) {
        int c = getc(f);
        if (c == EOF)
            rewind(f);
        used(c);
    }
    fclose(f);
}

static void write_chars(long calls, size_t size) {
    (void)size;
    FILE *f = fopen("/dev/null", "w");
    for (long i = 0; f && i < calls; i++)
        putc((int)i, f);
    if (f)
        fclose(f);
}

static void write_blocks(long calls, size_t size) {
    static char block[256];
    FILE *f = fopen("/dev/null", "w");
    for (long i = 0; f && i < calls; i++)
        fwrite(block, 1, size, f);
    if (f)
        fclose(f);
}

static void read_file(long calls, size_t size) {
    static char block[4096];
    int fd = open("/dev/zero", O_RDONLY);
    for (long i = 0; i < calls; i++)
        used(read(fd, block, size));
    close(fd);
}

static void seconds(long calls, size_t size) {
    (void)size;
    for (long i = 0; i < calls; i++)
        used(time(NULL));
}

static void clock_now(long calls, size_t size) {
    (void)size;
    struct timespec t;
    for (long i = 0; i < calls; i++) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        used(t.tv_nsec);
    }
}

static void *nothing(void *argument) {
    return argument;
}

static void make_threads(long calls, size_t size) {
    (void)size;
    for (long i = 0; i < calls; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
            abort();
    }
}

static void lock(long calls, size_t size) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    (void)size;
    for (long i = 0; i < calls; i++) {
        pthread_mutex_lock(hidden(&mutex));
        pthread_mutex_unlock(hidden(&mutex));
    }
}

const struct row rows[] = {
    {"qsort 10000 ints", 300, sort_ints, 10000},
    {"qsort 100 ints", 60000, sort_ints, 100},
    {"qsort 10000 structs", 200, sort_records, 10000},
    {"qsort 10000 strings", 100, sort_texts, 10000},
    {"bsearch 10000", 4000000, search, 10000},
    {"fprintf %ld", 6000000, write_lines, 0},
    {"fgets", 8000000, read_lines, 0},
    {"getc", 40000000, read_chars, 0},
    {"putc", 40000000, write_chars, 0},
    {"fwrite 64", 10000000, write_blocks, 64},
    {"read 4K", 600000, read_file, 4096},
    {"time", 40000000, seconds, 0},
    {"clock_gettime", 5000000, clock_now, 0},
    {"pthread_create", 10000, make_threads, 0},
    {"mutex", 30000000, lock, 0},
    {0},
};
