/* SPDX-License-Identifier: MIT */
/* e2e: self=every:500@self hop=random:20000:3 limit=120 */
/*
 * malloc and its kin while threads run on several nodes at once: blocks of every size keep their contents and
 * their alignment, blocks are freed by another thread and on another ISA than they were allocated, threads
 * end with live blocks, programs fork while their threads allocate; memory that is freed goes back to the
 * system.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, SLOTS = 64, ROUNDS = 1500, LISTS = 8, LISTED = 100 };

static unsigned next_random(unsigned *state) {
    *state = *state * 1103515245u + 12345u;
    return *state >> 8;
}

static void *volatile escaped; /* lest the compiler leaves blocks out that nobody looks at */

/* A block that knows its size and what is in it. */
static unsigned char *make(size_t size, unsigned seed) {
    unsigned char *p = malloc(size + 8);
    if (!p)
        abort();
    memcpy(p, &size, 8);
    memset(p + 8, (int)(seed & 255), size);
    escaped = p;
    return p;
}

static int whole(const unsigned char *p) {
    size_t size;
    memcpy(&size, p, 8);
    for (size_t i = 8; i < size + 8; i++)
        if (p[i] != p[8])
            return 0;
    return 1;
}

static size_t some_size(unsigned *state) {
    unsigned r = next_random(state);
    return r % 50 == 0 ? r % 200000 : r % 7 == 0 ? r % 5000 : r % 200;
}

static void *volatile shared[SLOTS];
static _Atomic int damaged;

/* Each block may be replaced, and so freed, by any thread on any node. */
static void *mix(void *argument) {
    unsigned state = (unsigned)(uintptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        void *p = make(some_size(&state), state);
        void *old = __atomic_exchange_n(&shared[next_random(&state) % SLOTS], p, __ATOMIC_ACQ_REL);
        if (old && !whole(old))
            damaged++;
        free(old);
    }
    return NULL;
}

static void test_threads(void) {
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, mix, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < SLOTS; i++) {
        if (shared[i] && !whole(shared[i]))
            damaged++;
        free(shared[i]);
    }
    printf("threads: %d damaged\n", damaged);
}

/* Threads end and leave their blocks to others. */
static void *leave(void *list) {
    for (int i = 0; i < LISTED; i++)
        ((void **)list)[i] = make((size_t)i * 37 % 3000, (unsigned)i);
    return NULL;
}

static void test_thread_exit(void) {
    static void *lists[LISTS][LISTED];
    int bad = 0;
    for (int round = 0; round < 5; round++) {
        pthread_t thread[LISTS];
        for (int i = 0; i < LISTS; i++)
            pthread_create(&thread[i], NULL, leave, lists[i]);
        for (int i = 0; i < LISTS; i++)
            pthread_join(thread[i], NULL);
        for (int i = 0; i < LISTS; i++)
            for (int k = 0; k < LISTED; k++) {
                bad += !whole(lists[i][k]);
                free(lists[i][k]);
            }
    }
    printf("thread exit: %d bad\n", bad);
}

/* By a pointer: clang takes malloc itself for a function that leaves errno alone. */
static void *(*volatile reallocate)(void *, size_t) = realloc;
static void *(*volatile zeroed)(size_t, size_t) = calloc;

static int fails(void *p, size_t size) {
    errno = 0;
    return reallocate(p, size) || errno != ENOMEM;
}

static void test_functions(void) {
    int bad = 0;
    unsigned state = 5;
    for (size_t alignment = 8; alignment <= 1 << 20; alignment *= 2) {
        void *p = NULL;
        bad += posix_memalign(&p, alignment, 100) != 0 || (uintptr_t)p % alignment;
        void *q = aligned_alloc(alignment, alignment * 3);
        bad += !q || (uintptr_t)q % alignment || malloc_usable_size(q) < alignment * 3;
        q = realloc(q, alignment * 5);
        bad += !q;
        free(p);
        free(q);
    }
    for (int i = 0; i < 200; i++) {
        size_t size = some_size(&state);
        unsigned char *p = malloc(size);
        memset(p, 0xff, size);
        free(p);
        p = calloc(size / 4 + 1, 4);
        for (size_t k = 0; k < size; k++)
            bad += p[k] != 0;
        p = realloc(p, size * 3 + 1);
        for (size_t k = 0; k < size; k++)
            bad += p[k] != 0;
        free(p);
    }
    volatile size_t most = SIZE_MAX;
    unsigned char *kept = make(10, 1);
    bad += fails(NULL, most) + fails(NULL, most / 2 - 100) + fails(NULL, 1L << 47) + fails(kept, most / 2);
    bad += zeroed(most / 2, 3) || !whole(kept);
    void *empty = malloc(0);
    bad += !empty;
    char *large = malloc(1 << 26);
    large[12345] = 1;
    errno = EDOM;
    free(kept);
    free(empty);
    free(large);
    bad += errno != EDOM;
    printf("functions: %d bad\n", bad);
}

static _Atomic int stop;

static void *busy(void *argument) {
    unsigned state = (unsigned)(uintptr_t)argument;
    void *mine[16] = {0};
    while (!stop) {
        unsigned i = next_random(&state) % 16;
        free(mine[i]);
        mine[i] = make(some_size(&state), state);
        void *old =
            __atomic_exchange_n(&shared[next_random(&state) % SLOTS], make(20, state), __ATOMIC_ACQ_REL);
        free(old);
    }
    for (int i = 0; i < 16; i++)
        free(mine[i]);
    return NULL;
}

/* The child has one thread, which can use all that the others had, and have threads again. */
static int child_works(void) {
    unsigned state = 77;
    int bad = 0;
    for (int i = 0; i < SLOTS; i++) {
        bad += shared[i] && !whole(shared[i]);
        free(shared[i]);
        shared[i] = make(some_size(&state), state);
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, mix, (void *)5))
        return 1;
    pthread_join(thread, NULL);
    return bad + damaged;
}

static int ended_well(pid_t child) {
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0;
}

static void test_fork(void) {
    pthread_t thread[2];
    int good = 0, forks = 0;
    memset((void *)shared, 0, sizeof shared);
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, busy, (void *)(i + 1));
    for (int i = 0; i < 10; i++) {
        usleep(2000);
        fflush(stdout);
        pid_t child = fork();
        if (!child)
            _exit(child_works() != 0);
        if (child < 0 && errno == EAGAIN) { /* said so: not now */
            i--;
            continue;
        }
        forks++;
        good += ended_well(child);
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < SLOTS; i++)
        free(shared[i]);
    printf("fork: %d of %d\n", good, forks);
}

/* How many of the pages that lie whole in these bytes are there, in whatever process: what /proc says of one process
 * leaves out what the program touched on other nodes. */
static long resident(uintptr_t start, size_t size) {
    uintptr_t at = (start + 4095) & -(uintptr_t)4096, end = (start + size) & -(uintptr_t)4096;
    unsigned char page;
    long pages = 0;
    for (; at < end; at += 4096)
        pages += !mincore((void *)at, 4096, &page) && (page & 1);
    return pages;
}

static void test_return(void) {
    enum { BLOCKS = 400, SIZE = 100000 };
    static unsigned char *block[BLOCKS];
    static uintptr_t where[BLOCKS]; /* of a block that was freed only the address may be used */
    long full = 0, after = 0;
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = make(SIZE, (unsigned)i);
        where[i] = (uintptr_t)block[i];
        full += resident(where[i], SIZE);
    }
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
    for (int i = 0; i < 500; i++) { /* a while later, with something to do now and then */
        usleep(1000);
        free(make(100000, 1));
    }
    for (int i = 0; i < BLOCKS; i++)
        after += resident(where[i], SIZE);
    printf("return: %d %d\n", full >= BLOCKS * (SIZE / 4096 - 1), after < full / 4);
}

int main(void) {
    test_functions();
    test_threads();
    test_thread_exit();
    test_fork();
    test_return();
    return 0;
}
