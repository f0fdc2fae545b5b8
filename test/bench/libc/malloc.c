/* SPDX-License-Identifier: MIT */
/* The allocator: pairs of malloc and free, random mixes by one and four threads, growing blocks. */
#include <pthread.h>

#include "measure.h"

enum { SLOTS = 4096, MIX = 200000, THREADS = 4 };

static void pair(size_t size) {
    char *p = hide(malloc(size));
    *p = 1;
    free(p);
}

/* Sizes as programs have them: mostly small, now and then some pages. */
static size_t random_size(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    unsigned bits = (unsigned)(*state >> 33);
    unsigned kind = bits & 127;
    if (kind == 0)
        return bits >> 8 & 0xffff;
    return 8 + (bits >> 8 & (kind < 32 ? 1023 : 127));
}

static void *mix(void *seed) {
    void **slot = calloc(SLOTS, sizeof *slot);
    uint64_t state = (uint64_t)(uintptr_t)seed;
    for (int i = 0; i < MIX; i++) {
        size_t size = random_size(&state);
        void **s = &slot[state >> 40 & (SLOTS - 1)];
        free(*s);
        *s = malloc(size);
        if (size)
            *(char *)*s = 1;
    }
    for (int i = 0; i < SLOTS; i++)
        free(slot[i]);
    free(slot);
    return NULL;
}

static void mix_of_threads(void) {
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, mix, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

static void grow(void) {
    char *p = NULL;
    for (size_t size = 16; size <= 1 << 20; size += size / 2) {
        p = realloc(p, size);
        p[size - 1] = 1;
    }
    free(p);
}

/* What one thread allocates another frees. */
static void *producer(void *list) {
    for (int i = 0; i < SLOTS; i++)
        ((void **)list)[i] = malloc(100);
    return NULL;
}

static void hand_over(void) {
    static void *list[SLOTS];
    pthread_t thread;
    pthread_create(&thread, NULL, producer, list);
    pthread_join(thread, NULL);
    for (int i = 0; i < SLOTS; i++)
        free(list[i]);
}

int main(void) {
    MEASURE("malloc-free-16", 1000000, pair(16));
    MEASURE("malloc-free-64", 1000000, pair(64));
    MEASURE("malloc-free-1K", 1000000, pair(1024));
    MEASURE("malloc-free-64K", 100000, pair(65536));
    MEASURE("malloc-free-4M", 1000, pair(4 << 20));
    MEASURE("calloc-free-256", 1000000, free(hide(calloc(1, 256))));
    MEASURE("malloc-mix-1-thread", 1, mix((void *)9));
    MEASURE("malloc-mix-4-threads", 1, mix_of_threads());
    MEASURE("realloc-grow-1M", 100, grow());
    MEASURE("malloc-hand-over", 10, hand_over());
    return 0;
}
