/* SPDX-License-Identifier: MIT */
/* e2e: modes=none,same,api hop=1000000000@1 min=4 limit=120 */
/*
 * Threads that are all on one node touch the same new page at the same moment, which lies where the last one
 * lay: each finds it missing, and mapped by another when it looks. A page that may be written again is
 * written by all of them, one that may not be is the program's own fault.
 */
#include "e2e.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#define THREADS 4
#define ROUNDS 600

static size_t page = 4096;
static volatile unsigned char *memory;
static _Atomic unsigned waiting, turn;
static _Thread_local sigjmp_buf refused;

/* Whoever sleeps comes too late to be there at the same moment. */
static void meet(void) {
    unsigned now = turn;
    if (++waiting == THREADS) {
        waiting = 0;
        turn++;
    }
    while (turn == now)
        sched_yield();
}

static void on_fault(int sig) {
    siglongjmp(refused, sig);
}

static int can_write(volatile unsigned char *at) {
    if (sigsetjmp(refused, 1))
        return 0;
    *at = 1;
    return 1;
}

static void change(int round) {
    if (round % 3 == 0) {
        if (memory)
            require(munmap((void *)memory, page * THREADS) == 0);
        memory =
            mmap((void *)memory, page * THREADS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        require(memory != MAP_FAILED);
    } else {
        require(mprotect((void *)memory, page * THREADS,
                         round % 3 == 1 ? PROT_READ : PROT_READ | PROT_WRITE) == 0);
    }
}

static void *work(void *argument) {
    int first = argument == NULL;
    uintptr_t wrong = 0;
#ifdef __popcorn__
    require(migrate(1, NULL, NULL) == 0 || node_available(1) != 1);
#endif
    for (int round = 0; round < ROUNDS; round++) {
        if (first)
            change(round);
        meet();
        wrong += can_write(memory) != (round % 3 != 1);
        meet();
    }
    return (void *)wrong;
}

int main(void) {
    pthread_t thread[THREADS];
    uintptr_t wrong = 0;
    struct sigaction action = {.sa_handler = on_fault};
    require(sigaction(SIGSEGV, &action, NULL) == 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        require(pthread_create(&thread[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        require(pthread_join(thread[i], &result) == 0);
        wrong += (uintptr_t)result;
    }
    printf("wrong %d\n", (int)wrong);
    return 0;
}
