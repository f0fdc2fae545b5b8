/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:3:7 */
/* Threads made and joined after migrating, by threads that migrated; detached ones, cancellation, stacks,
 * exit. */
#include "e2e.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t done;
static int cleaned;

static void hop_about(int n) {
    for (int i = 0; i < n; i++)
        point();
}

static void *tree(void *argument) {
    intptr_t depth = (intptr_t)argument;
    pthread_t child[2];
    hop_about(2);
    if (depth == 0)
        return (void *)1;
    for (int i = 0; i < 2; i++)
        require(pthread_create(&child[i], NULL, tree, (void *)(depth - 1)) == 0);
    intptr_t sum = 1;
    for (int i = 0; i < 2; i++) {
        void *result;
        hop_about(1);
        require(pthread_join(child[i], &result) == 0);
        sum += (intptr_t)result;
    }
    return (void *)sum;
}

static void *detached(void *argument) {
    hop_about(3);
    __atomic_fetch_add((int *)argument, 1, __ATOMIC_SEQ_CST);
    sem_post(&done);
    return NULL;
}

static void cleanup(void *argument) {
    hop_about(1);
    cleaned += *(int *)argument;
}

static void *cancelled(void *argument) {
    int weight = 10;
    pthread_cleanup_push(cleanup, &weight);
    sem_post(argument);
    for (;;) {
        hop_about(1);
        usleep(1000);
        pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static void *leaves(void *argument) {
    int weight = 100;
    pthread_cleanup_push(cleanup, &weight);
    hop_about(2);
    pthread_exit(argument);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *deep_stack(void *argument) {
    volatile char block[200000];
    for (size_t i = 0; i < sizeof block; i += 1000)
        block[i] = (char)i;
    hop_about(1);
    return (void *)(intptr_t)(block[3000] + (argument != NULL));
}

int main(void) {
    void *result;
    pthread_t thread;
    hop_about(5);
    printf("tree %ld\n", (long)(intptr_t)tree((void *)3));

    int count = 0;
    sem_init(&done, 0, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 4; i++)
        require(pthread_create(&thread, &attributes, detached, &count) == 0);
    for (int i = 0; i < 4; i++)
        sem_wait(&done);
    printf("detached %d\n", count);

    require(pthread_create(&thread, NULL, cancelled, &done) == 0);
    sem_wait(&done);
    hop_about(2);
    require(pthread_cancel(thread) == 0);
    require(pthread_join(thread, &result) == 0);
    printf("cancelled %d %d\n", result == PTHREAD_CANCELED, cleaned);

    require(pthread_create(&thread, NULL, leaves, (void *)55) == 0);
    require(pthread_join(thread, &result) == 0);
    printf("exit %ld %d\n", (long)(intptr_t)result, cleaned);

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 1 << 20);
    require(pthread_create(&thread, &attributes, deep_stack, &count) == 0);
    require(pthread_join(thread, &result) == 0);
    printf("stack %ld %d\n", (long)(intptr_t)result, pthread_equal(pthread_self(), pthread_self()) != 0);
    return 0;
}
