/* SPDX-License-Identifier: MIT */
/* Barriers, read-write locks, semaphores, once, recursive and error-checking mutexes, timed waits. */
#include "e2e.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

enum { THREADS = 6 };

static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t recursive, timed = PTHREAD_MUTEX_INITIALIZER;
static sem_t semaphore;
static int cells[THREADS], once_count, serials, table[16], inside, most;

static void only_once(void) {
    point();
    once_count++;
}

static void *work(void *argument) {
    int me = (int)(intptr_t)argument;
    pthread_once(&once, only_once);
    for (int round = 0; round < 20; round++) {
        cells[me] = round * 10 + me;
        point();
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_fetch_add(&serials, 1, __ATOMIC_SEQ_CST);
        for (int i = 0; i < THREADS; i++)
            require(cells[i] == round * 10 + i);
        point();
        pthread_barrier_wait(&barrier);
    }
    for (int i = 0; i < 30; i++) {
        if (i % 5 == me % 5) {
            pthread_rwlock_wrlock(&rwlock);
            int seen = table[i % 16];
            point();
            table[i % 16] = seen + 1;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            point();
        }
        pthread_rwlock_unlock(&rwlock);
        sem_wait(&semaphore);
        int now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        if (now > __atomic_load_n(&most, __ATOMIC_SEQ_CST))
            __atomic_store_n(&most, now, __ATOMIC_SEQ_CST);
        point();
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        sem_post(&semaphore);
        pthread_mutex_lock(&recursive);
        pthread_mutex_lock(&recursive);
        point();
        pthread_mutex_unlock(&recursive);
        pthread_mutex_unlock(&recursive);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    pthread_mutexattr_t attributes;
    pthread_barrier_init(&barrier, NULL, THREADS);
    sem_init(&semaphore, 0, 2);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&recursive, &attributes);
    for (intptr_t i = 0; i < THREADS; i++)
        require(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int sum = 0;
    for (int i = 0; i < 16; i++)
        sum += table[i];
    printf("serial %d once %d writes %d bounded %d\n", serials, once_count, sum, most <= 2 && most > 0);

    struct timespec until;
    pthread_mutex_lock(&timed);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    point();
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    printf("timed out %d", pthread_cond_timedwait(&never, &timed, &until) == ETIMEDOUT);
    point();
    printf(" busy %d\n", pthread_mutex_trylock(&timed) == EBUSY);
    return 0;
}
