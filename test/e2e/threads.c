/* SPDX-License-Identifier: MIT */
/* Eight threads with a shared counter, a mutex, atomics and a condition variable. */
#include "e2e.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 8, ROUNDS = 300, ITEMS = 400 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long guarded;
static atomic_long counted;

static void *count(void *argument) {
    long mine = 0;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        long seen = guarded;
        point();
        guarded = seen + 1;
        pthread_mutex_unlock(&lock);
        atomic_fetch_add(&counted, (long)(intptr_t)argument);
        point();
        mine += i;
    }
    return (void *)(mine + (intptr_t)argument);
}

/* A bounded queue: four producers, four consumers. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    int ring[8], head, size, produced, consumed;
    long sum;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER,
           .filled = PTHREAD_COND_INITIALIZER,
           .emptied = PTHREAD_COND_INITIALIZER};

static void *produce(void *argument) {
    (void)argument;
    for (;;) {
        pthread_mutex_lock(&queue.lock);
        while (queue.size == 8 && queue.produced < ITEMS)
            pthread_cond_wait(&queue.emptied, &queue.lock);
        if (queue.produced == ITEMS)
            break;
        point();
        queue.ring[(queue.head + queue.size++) % 8] = queue.produced++;
        pthread_cond_signal(&queue.filled);
        pthread_mutex_unlock(&queue.lock);
        point();
    }
    pthread_cond_broadcast(&queue.emptied);
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

static void *consume(void *argument) {
    (void)argument;
    for (;;) {
        pthread_mutex_lock(&queue.lock);
        while (queue.size == 0 && queue.consumed < ITEMS)
            pthread_cond_wait(&queue.filled, &queue.lock);
        if (queue.consumed == ITEMS)
            break;
        queue.sum += queue.ring[queue.head];
        queue.head = (queue.head + 1) % 8;
        queue.size--;
        if (++queue.consumed == ITEMS)
            pthread_cond_broadcast(&queue.filled);
        point();
        pthread_cond_signal(&queue.emptied);
        pthread_mutex_unlock(&queue.lock);
    }
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    long total = 0;
    for (intptr_t i = 0; i < THREADS; i++)
        require(pthread_create(&threads[i], NULL, count, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        require(pthread_join(threads[i], &result) == 0);
        point();
        total += (long)(intptr_t)result;
    }
    printf("counter %ld atomic %ld results %ld\n", guarded, atomic_load(&counted), total);
    for (int i = 0; i < THREADS; i++)
        require(pthread_create(&threads[i], NULL, i < 4 ? produce : consume, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("queue %ld %d\n", queue.sum, queue.consumed);
    return 0;
}
