/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:3:7 */
/* Signal handlers that fork, wherever the thread is: the child returns from its handler, hops on, starts threads, forks and runs others. */
#include "e2e.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t child;
static volatile int raw;
static int marker = 3;

static void split(int signal) {
    (void)signal;
    child = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
    if (child == 0)
        marker++;
}

static NOINLINE unsigned mix(unsigned value, int rounds) {
    for (int i = 0; i < rounds; i++) {
        point();
        value = value * 1664525 + 1013904223;
    }
    return value;
}

static void *work(void *argument) {
    return (void *)(size_t)mix((unsigned)(size_t)argument, 10);
}

/* What a child does with the frames that it has from its parent. */
static NOINLINE int go_on(int i, unsigned before) {
    pthread_t thread;
    void *result = NULL;
    unsigned after = mix(before, 10);
    require(pthread_create(&thread, NULL, work, (void *)(size_t)before) == 0);
    require(pthread_join(thread, &result) == 0);
    require((unsigned)(size_t)result == after && marker == 4);
    if (i % 3 == 1) {
        int status;
        raise(SIGUSR1);
        if (child == 0)
            _exit(mix(after, 5) % 50);
        require(waitpid(child, &status, 0) == child);
        return 50 + WEXITSTATUS(status);
    }
    if (i % 3 == 2)
        execl("/bin/sh", "sh", "-c", "exit 77", (char *)NULL);
    return (int)(after % 100);
}

/* Waits for the child: its handler may interrupt the thread anywhere in here. */
static NOINLINE void one(int i) {
    int status;
    unsigned before = mix((unsigned)i, 7);
    raw = i == 3;
    raise(SIGUSR1);
    pid_t mine = child;
    require(mine >= 0);
    unsigned after = mix(before, 3);
    if (mine == 0)
        _exit(go_on(i, before));
    require(waitpid(mine, &status, 0) == mine);
    printf("child %d: exit %d, here %u %d\n", i, WEXITSTATUS(status), after, marker);
}

static volatile sig_atomic_t forked, ended;

static void fork_and_count(int signal) {
    (void)signal;
    pid_t pid = fork();
    require(pid >= 0);
    if (pid == 0)
        _exit(7);
    forked++;
}

static void *busy(void *unused) {
    (void)unused;
    unsigned value = 1;
    while (!ended)
        value = mix(value, 20);
    return NULL;
}

/* Other threads hop meanwhile. */
static NOINLINE void among_threads(void) {
    pthread_t thread[2];
    int status, good = 0;
    signal(SIGUSR2, fork_and_count);
    for (int i = 0; i < 2; i++)
        require(pthread_create(&thread[i], NULL, busy, NULL) == 0);
    for (int i = 0; i < 10; i++) {
        pthread_kill(thread[i % 2], SIGUSR2);
        while (forked <= i)
            point();
    }
    ended = 1;
    for (int i = 0; i < 2; i++)
        require(pthread_join(thread[i], NULL) == 0);
    while (wait(&status) > 0)
        good += WIFEXITED(status) && WEXITSTATUS(status) == 7;
    printf("%d children of threads\n", good);
}

int main(void) {
    signal(SIGUSR1, split);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < 8; i++)
        one(i);
    among_threads();
    return 0;
}
