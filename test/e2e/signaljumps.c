/* SPDX-License-Identifier: MIT */
/* Handlers that siglongjmp out of whatever they interrupt, other handlers too: locals, masks and alternate
 * stacks are as they should be afterwards, and system calls that were left are made no more. */
#include "storm.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 3
#define BURSTS 60
#define DEEP 6

static _Thread_local sigjmp_buf jump;
static _Thread_local volatile int armed;
static _Thread_local char alternate[64 * 1024];
static _Atomic int rounds[WORKERS], ready;
static volatile int over;

static void jumps(int signal) {
    work((uint64_t)signal, 1);
    if (armed) {
        armed = 0;
        siglongjmp(jump, signal);
    }
}

static void returns(int signal) {
    work((uint64_t)signal, 2);
}

static void on_alternate(int signal) {
    char here;
    require(&here >= alternate && &here < alternate + sizeof alternate);
    work((uint64_t)signal, 1);
}

static void forks(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        work(1, 2);
        _exit(7);
    }
    require(pid > 0);
    while (waitpid(pid, &status, 0) < 0)
        require(errno == EINTR);
    require(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void one_round(int me, volatile int round) {
    const volatile int now = round;
    struct timespec moment = {0, 100000}, left = {0, 0};
    sigset_t mask;
    int from = sigsetjmp(jump, 1);
    if (from == 0) {
        uint64_t first = work((uint64_t)me, DEEP);
        armed = 1;
        for (int i = 0; i < 10; i++)
            require(work((uint64_t)me, DEEP) == first);
        nanosleep(&moment, &left); /* left by a jump, it writes nothing more */
        armed = 0;
    }
    require(now == round && (from == 0 || from == SIGUSR1 || from == SIGUSR2));
    require(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
    for (int signal = 1; signal < 32; signal++)
        require(!sigismember(&mask, signal));
}

static void *worker(void *argument) {
    int me = (int)(intptr_t)argument;
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    require(sigaltstack(&stack, NULL) == 0);
    ready++;
    for (int round = 0; !over; round++) {
        one_round(me, round);
        if (me == 0 && round % 32 == 5)
            forks();
        rounds[me]++;
    }
    return NULL;
}

int main(void) {
    static const int signals[] = {SIGUSR1, SIGHUP, SIGUSR2, SIGWINCH, SIGURG};
    pthread_t thread[WORKERS];
    uint32_t random = 3;
    handle(SIGUSR1, jumps, 0);
    handle(SIGUSR2, jumps, SA_NODEFER);
    handle(SIGHUP, on_alternate, SA_ONSTACK);
    handle(SIGWINCH, on_alternate, SA_ONSTACK | SA_RESTART);
    handle(SIGURG, returns, 0);
    for (intptr_t i = 0; i < WORKERS; i++)
        require(pthread_create(&thread[i], NULL, worker, (void *)i) == 0);
    while (ready < WORKERS)
        usleep(1000);
    for (int burst = 0; burst < BURSTS; burst++) {
        int to = (int)(next_random(&random) % WORKERS), before = rounds[to];
        for (int i = 0; i < 4; i++) {
            pthread_kill(thread[to], signals[next_random(&random) % 5]);
            usleep(next_random(&random) % 300);
        }
        while (rounds[to] < before + 2)
            usleep(200);
    }
    over = 1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(thread[i], NULL);
    puts("all as it was");
    return 0;
}
