/* SPDX-License-Identifier: MIT */
/* e2e: flags=-latomic */
/* Atomic objects that only some ISAs have instructions for: 128 bits and more, long double, structs, not
 * aligned. */
#include "e2e.h"

#include <pthread.h>
#include <stdatomic.h>

#pragma clang diagnostic ignored "-Watomic-alignment"

enum { THREADS = 4, ROUNDS = 100 };

typedef __int128 int128;
struct pair {
    uint64_t count, token;
};
struct three {
    long a, b, c;
};

static _Atomic int128 sum, greatest, bits;
static _Atomic long double total;
static _Atomic(struct pair) top;
static _Atomic(struct three) same;
static struct half_word {
    unsigned short low, high;
} swapped;

static void push(uint64_t token) {
    struct pair old = atomic_load(&top), next;
    do {
        next.count = old.count + 1;
        next.token = old.token ^ token;
        point();
    } while (!atomic_compare_exchange_weak(&top, &old, next));
}

static void *work(void *argument) {
    long id = (long)argument;
    for (long i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&sum, ((int128)1 << 64) + id);
        point();
        __atomic_fetch_max((int128 *)&greatest, ((int128)i << 70) + id, __ATOMIC_SEQ_CST);
        atomic_fetch_xor(&bits, (int128)(id + 1) << (i % 120));
        total += 0.5L;
        push((uint64_t)(id * ROUNDS + i));
        struct three copy = atomic_load(&same);
        require(copy.a == copy.b && copy.b == copy.c);
        point();
        atomic_store(&same, ((struct three){i, i, i}));
        struct half_word mine = {(unsigned short)i, (unsigned short)i}, theirs;
        __atomic_exchange(&swapped, &mine, &theirs, __ATOMIC_SEQ_CST);
        require(theirs.low == theirs.high);
    }
    return NULL;
}

static void print(const char *what, int128 value) {
    printf("%s %016llx%016llx\n", what, (unsigned long long)(value >> 64), (unsigned long long)value);
}

static void multiply(int128 a, int128 b) {
    int128 product;
    point();
    printf("overflow %d: ", __builtin_mul_overflow(a, b, &product));
    print("product", product);
}

int main(void) {
    pthread_t thread[THREADS];
    for (long i = 0; i < THREADS; i++)
        require(!pthread_create(&thread[i], NULL, work, (void *)i));
    for (long i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    struct pair end = top;
    print("sum", sum);
    print("greatest", greatest);
    print("bits", bits);
    printf("total %.1Lf, top %llu %llu\n", (long double)total, (unsigned long long)end.count,
           (unsigned long long)end.token);
    const int128 least = (int128)1 << 127, one = 1;
    multiply(one << 63, one << 63);
    multiply(one << 63, one << 64);
    multiply(-(one << 63), one << 64);
    multiply(least, -1);
    multiply(least, 1);
    multiply((one << 64) + 3, -((one << 62) + 5));
    multiply(~least, -1);
    return 0;
}
