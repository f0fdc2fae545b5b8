/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:3:7 */
/* How programs end: exit codes, atexit, abort, crashes with the right signal, wherever they run. */
/* e2e: args=return */
/* e2e: args=exit */
/* e2e: args=_exit */
/* e2e: args=quick */
/* e2e: args=abort */
/* e2e: args=segv */
/* e2e: args=kill */
/* e2e: args=thread */
/* e2e: args=main-leaves */
#include "e2e.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static void hop_about(int n) {
    for (int i = 0; i < n; i++)
        point();
}

static void first(void) {
    hop_about(1);
    puts("first handler");
}

static void second(void) {
    hop_about(2);
    puts("second handler");
}

static void at_quick(void) {
    puts("quick handler");
    fflush(stdout);
}

static void *leave(void *argument) {
    hop_about(3);
    exit((int)(intptr_t)argument);
}

static void *finish(void *argument) {
    hop_about(3);
    usleep(20000);
    puts("last thread");
    return argument;
}

static NOINLINE int deep(const char *how, int depth) {
    hop_about(1);
    if (depth) {
        int r = deep(how, depth - 1);
        hop_about(1);
        return r;
    }
    pthread_t thread;
    fflush(stdout);
    if (strcmp(how, "exit") == 0)
        exit(43);
    if (strcmp(how, "_exit") == 0)
        _exit(44);
    if (strcmp(how, "quick") == 0)
        quick_exit(45);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "segv") == 0)
        *(volatile int *)8 = 1;
    if (strcmp(how, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(how, "thread") == 0) {
        pthread_create(&thread, NULL, leave, (void *)46);
        pthread_join(thread, NULL);
    }
    if (strcmp(how, "main-leaves") == 0) {
        pthread_create(&thread, NULL, finish, NULL);
        pthread_exit(NULL);
    }
    return 42;
}

int main(int argc, char **argv) {
    atexit(first);
    atexit(second);
    at_quick_exit(at_quick);
    puts("begins");
    return deep(argc > 1 ? argv[1] : "return", 5);
}
