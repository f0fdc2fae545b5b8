/* SPDX-License-Identifier: MIT */
/* Writes checkpoints of itself, FILE, while another thread computes; a second argument: on the next node. */
#include <errno.h>
#include <popcorn/migrate.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int stop;
static const char *file;
static int in_handler;

static void *work(void *sum) {
    while (!stop)
        ++*(volatile unsigned long *)sum;
    return sum;
}

static void handler(int sig) {
    (void)sig;
    in_handler = popcorn_checkpoint(file);
}

/* Two threads at once: the second waits for the first. */
static void *writes(void *name) {
    return (void *)(long)popcorn_checkpoint(name);
}

static void refusals(void) {
    int fd[2];
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    printf("in a handler %d, no folder %d, no name %d\n", in_handler == -EBUSY,
           popcorn_checkpoint("nowhere/file") == -ENOENT, popcorn_checkpoint("") == -EISDIR);
    if (pipe(fd))
        exit(9);
    if (fork() == 0) {
        char byte;
        close(fd[1]);
        _exit(read(fd[0], &byte, 1) != 0);
    }
    close(fd[0]);
    printf("with a child %d\n", popcorn_checkpoint(file) == -EOPNOTSUPP);
    close(fd[1]);
}

int main(int argc, char **argv) {
    unsigned long sum = 0;
    pthread_t thread, second;
    void *result;
    setvbuf(stdout, NULL, _IOLBF, 0);
    file = argv[1];
    if (argc > 2 && migrate(1, NULL, NULL))
        return 8;
    pthread_create(&thread, NULL, work, &sum);
    pthread_create(&second, NULL, writes, "second");
    int r = popcorn_checkpoint(file);
    pthread_join(second, &result);
    printf("%s %d, the other %d\n", r == 1 ? "goes on" : "written", r, (int)(long)result);
    if (r == 0)
        refusals();
    stop = 1;
    pthread_join(thread, NULL);
    return 4 + r;
}
