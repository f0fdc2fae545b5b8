/* SPDX-License-Identifier: MIT */
/* The heap: one object again and again, many at once, growing ones, four threads. */
#include "bench.h"
#include <pthread.h>

static void pairs(long calls, size_t size) {
    for (long i = 0; i < calls; i++)
        free(hidden(malloc(size)));
}

static void zeroed(long calls, size_t size) {
    for (long i = 0; i < calls; i++)
        free(hidden(calloc(1, size)));
}

/* Four thousand objects of up to `size` bytes; one of them goes, a new one comes. */
static void mixed(long calls, size_t size) {
    enum { OBJECTS = 4096 };
    void **object = calloc(OBJECTS, sizeof *object);
    uint32_t random = 1;
    for (long i = 0; object && i < calls; i++) {
        random = random * 1664525 + 1013904223;
        void **o = &object[random >> 20];
        free(*o);
        *o = malloc((random >> 5) % size + 1);
        if (*o)
            *(char *)*o = 1;
    }
    for (int i = 0; object && i < OBJECTS; i++)
        free(object[i]);
    free(object);
}

static void growing(long calls, size_t size) {
    for (long i = 0; i < calls; i++) {
        char *p = NULL;
        for (size_t n = 16; n < size; n += n / 2)
            p = hidden(realloc(p, n));
        free(p);
    }
}

struct share {
    long calls;
    size_t size;
};

static void *work(void *argument) {
    struct share *s = argument;
    mixed(s->calls, s->size);
    return NULL;
}

static void threads(long calls, size_t size) {
    pthread_t thread[4];
    struct share share = {calls / 4, size};
    for (int i = 0; i < 4; i++)
        if (pthread_create(&thread[i], NULL, work, &share))
            abort();
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
}

const struct row rows[] = {
    {"malloc free 64", 20000000, pairs, 64},      {"malloc free 64K", 5000000, pairs, 65536},
    {"calloc 256", 10000000, zeroed, 256},        {"malloc mix", 6000000, mixed, 512},
    {"malloc mix large", 1500000, mixed, 20000},  {"malloc 4 threads", 6000000, threads, 512},
    {"realloc growing", 200000, growing, 100000}, {0},
};
