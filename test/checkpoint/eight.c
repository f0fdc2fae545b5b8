/* SPDX-License-Identifier: MIT */
/*
 * Eight threads that hand numbers round a ring of bounded queues, each with its mutex and condition
 * variables; a barrier now and then. The sums do not depend on who runs when.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 8, ROOM = 4 };

static struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    uint64_t item[ROOM];
    int count;
} queue[THREADS];

static pthread_barrier_t barrier;
static pthread_mutex_t total_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t total;
static long rounds;

static void put(struct queue *q, uint64_t item) {
    pthread_mutex_lock(&q->lock);
    while (q->count == ROOM)
        pthread_cond_wait(&q->emptied, &q->lock);
    q->item[q->count++] = item;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

static uint64_t take(struct queue *q) {
    pthread_mutex_lock(&q->lock);
    while (!q->count)
        pthread_cond_wait(&q->filled, &q->lock);
    uint64_t item = q->item[0];
    for (int i = 1; i < q->count; i++)
        q->item[i - 1] = q->item[i];
    q->count--;
    pthread_cond_signal(&q->emptied);
    pthread_mutex_unlock(&q->lock);
    return item;
}

static uint64_t work(uint64_t x) {
    for (int i = 0; i < 20000; i++)
        x = x * 6364136223846793005u + 1442695040888963407u;
    return x;
}

static void *run(void *number) {
    long self = (long)number;
    uint64_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        put(&queue[(self + 1) % THREADS], work((uint64_t)(self * 1000003 + i)));
        sum += take(&queue[self]);
        if (i % 500 == 499 && pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
            printf("round %ld\n", i + 1);
            fflush(stdout);
        }
    }
    pthread_mutex_lock(&total_lock);
    total += sum;
    pthread_mutex_unlock(&total_lock);
    return (void *)(uintptr_t)sum;
}

int main(int argc, char **argv) {
    pthread_t thread[THREADS];
    rounds = argc > 1 ? atol(argv[1]) : 1000;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        pthread_mutex_init(&queue[i].lock, NULL);
        pthread_cond_init(&queue[i].filled, NULL);
        pthread_cond_init(&queue[i].emptied, NULL);
    }
    for (long i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, run, (void *)i);
    void *sum[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], &sum[i]);
    for (int i = 0; i < THREADS; i++)
        printf("thread %d: %llx\n", i, (unsigned long long)(uintptr_t)sum[i]);
    printf("all: %llx\n", (unsigned long long)total);
    return 0;
}
