/* SPDX-License-Identifier: MIT */
/* pthread_cancel of threads that wait in a system call, on a futex, not at all, or that do not want to, on
 * each node. */
/* e2e: hop=every:1 min=12 */
#include "e2e.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t ready;
static int ends[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static int turn; /* with hop=every:1, the node on which the threads wait */

/* No loop, which would have points of its own. */
static void go_there(void) {
    if (turn > 0)
        point();
    if (turn > 1)
        point();
}

static void note(void *argument) {
    printf("  cleanup: %s\n", (const char *)argument);
}

static void *reads(void *argument) {
    char byte;
    pthread_cleanup_push(note, argument);
    sem_post(&ready);
    go_there();
    require(read(ends[0], &byte, 1) == 1 && byte == 'a');
    sem_post(&ready);
    read(ends[0], &byte, 1);
    pthread_cleanup_pop(0);
    return NULL;
}

/* A condition variable's waiter has its mutex again when it is cancelled. */
static void unlock_and_note(void *argument) {
    require(pthread_mutex_trylock(&mutex) == EBUSY);
    pthread_mutex_unlock(&mutex);
    note(argument);
}

static void *waits(void *argument) {
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock_and_note, argument);
    go_there();
    sem_post(&ready);
    for (;;)
        pthread_cond_wait(&never, &mutex);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *computes(void *argument) {
    static volatile unsigned long rounds;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_cleanup_push(note, argument);
    point(); /* at the least this one: the loop may be left before its own */
    sem_post(&ready);
    for (;;) {
        rounds++;
        point();
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static void *refuses(void *argument) {
    (void)argument;
    char byte;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    sem_post(&ready);
    go_there();
    require(read(ends[0], &byte, 1) == 1 && byte == 'b');
    return (void *)7;
}

static pthread_t start(void *(*run)(void *), const char *name) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, run, (void *)(uintptr_t)name) == 0);
    require(sem_wait(&ready) == 0);
    return thread;
}

static void end(pthread_t thread, const char *name) {
    void *result;
    require(pthread_join(thread, &result) == 0);
    printf("%s: %s\n", name, result == PTHREAD_CANCELED ? "cancelled" : "returned");
}

int main(void) {
    require(sem_init(&ready, 0, 0) == 0 && pipe(ends) == 0);
    for (turn = 0; turn < 3; turn++) {
        pthread_t thread = start(reads, "reads");
        require(write(ends[1], "a", 1) == 1);
        sem_wait(&ready);
        usleep(turn * 20000);
        pthread_cancel(thread);
        end(thread, "reads");

        thread = start(waits, "waits");
        usleep(turn * 20000);
        pthread_cancel(thread);
        end(thread, "waits");

        thread = start(computes, "computes");
        pthread_cancel(thread);
        end(thread, "computes");

        thread = start(refuses, "refuses");
        pthread_cancel(thread);
        usleep(turn * 20000);
        require(write(ends[1], "b", 1) == 1);
        end(thread, "refuses");
    }
    return 0;
}
