/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:4:7 back=random:4:7 */
/* A handler that interrupted another handler's system call leaves by siglongjmp; the call that the outer one
 * interrupted then ends as without it. */
#include "e2e.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define ROUNDS 8

enum stage { IDLE, READS, HANDLES, RETURNS, ENDS };

static atomic_int stage;
static atomic_int restarts;
static int outer_pipe[2], inner_pipe[2], jumps;
static sigjmp_buf inner;

static void on_inner(int signal) {
    (void)signal;
    siglongjmp(inner, 1);
}

static void on_outer(int signal) {
    char byte;
    (void)signal;
    if (sigsetjmp(inner, 1) == 0) {
        stage = HANDLES;
        read(inner_pipe[0], &byte, 1);
        puts("not reached");
    }
    jumps++;
    point();
    require(getppid() > 0);
    stage = restarts ? RETURNS : IDLE;
}

/* Does what the other thread waits for, once it surely waits. */
static void *help(void *data) {
    pthread_t other = *(pthread_t *)data;
    for (int at; (at = stage) != ENDS;) {
        usleep(at == IDLE ? 1000 : 150000);
        if (at == IDLE)
            continue;
        stage = IDLE;
        if (at == READS)
            pthread_kill(other, SIGUSR1);
        else if (at == HANDLES)
            pthread_kill(other, SIGUSR2);
        else
            require(write(outer_pipe[1], "x", 1) == 1);
    }
    return NULL;
}

static void install(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    require(sigaction(signal, &action, NULL) == 0);
}

int main(void) {
    pthread_t helper, self = pthread_self();
    require(pipe(outer_pipe) == 0 && pipe(inner_pipe) == 0);
    install(SIGUSR2, on_inner, 0);
    require(pthread_create(&helper, NULL, help, &self) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        char byte;
        restarts = i % 2;
        install(SIGUSR1, on_outer, restarts ? SA_RESTART : 0);
        for (int k = 0; k < 3; k++)
            point();
        stage = READS;
        ssize_t n = read(outer_pipe[0], &byte, 1);
        printf("%d: %d %d\n", i, (int)n, n < 0 && errno == EINTR);
    }
    stage = ENDS;
    pthread_join(helper, NULL);
    printf("%d jumps\n", jumps);
    return 0;
}
