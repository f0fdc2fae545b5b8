/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM from outside while the program runs on another node. First handled, then fatal. */
/* e2e: args=handled */
/* e2e: args=fatal */
#include "e2e.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void handler(int signal) {
    interrupted = signal;
}

int main(int argc, char **argv) {
    int fatal = argc > 1 && strcmp(argv[1], "fatal") == 0;
    pid_t me = getpid();
    for (int i = 0; i < 5; i++)
        point();
    if (!fatal)
        signal(SIGINT, handler);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        usleep(100000);
        kill(me, fatal ? SIGTERM : SIGINT);
        _exit(0);
    }
    long work = 0;
    while (!interrupted) {
        work++;
        point();
    }
    printf("interrupted by %d, worked %d\n", (int)interrupted, work > 0);
    waitpid(child, NULL, 0);
    return 0;
}
