/* SPDX-License-Identifier: MIT */
/* A program that has hopped makes children, at home and from the other machine: each has what its parent had
 * then. */
#include <popcorn/migrate.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBERS 20000

extern char **environ;

static int *numbers, global = 7;
static volatile int stop;
static volatile unsigned long rounds;

static long sum(void) {
    long total = global;
    for (int i = 0; i < NUMBERS; i++)
        total += numbers[i];
    return total;
}

static int status_of(pid_t pid) {
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void commands(const char *where) {
    char *const arguments[] = {"sh", "-c", "exit 5", NULL};
    char line[100] = "", command[100];
    pid_t pid;
    snprintf(command, sizeof command, "echo system from %s", where);
    fflush(stdout);
    printf("system %d\n", system(command));
    FILE *pipe = popen("echo piped", "r");
    if (!pipe || !fgets(line, sizeof line, pipe))
        strcpy(line, "nothing\n");
    printf("popen %s", line);
    printf("pclose %d\n", pipe ? pclose(pipe) : -1);
    int r = posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ);
    printf("spawn %d: %d\n", r, r ? 0 : status_of(pid));
}

/* In the child: its memory is its own, and it can hop too. */
static void child_main(const char *where) {
    printf("child from %s has %ld\n", where, sum());
    numbers[3] = 1000;
    global = 0;
    int r = migrate(1, NULL, NULL);
    numbers[4] = 1000;
    printf("child is on node %d (%d) with %ld\n", current_nid(), r, sum());
    fflush(stdout);
    migrate(0, NULL, NULL);
    execl("/bin/sh", "sh", "-c", "echo executed; exit 9", (char *)NULL);
    _exit(1);
}

static void children(const char *where) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        child_main(where);
    printf("fork %d: %d; here %ld on node %d\n", pid > 0, status_of(pid), sum(), current_nid());
}

static void *count(void *node) {
    int r = migrate(*(int *)node, NULL, NULL);
    if (r)
        printf("the thread cannot go: %d\n", r);
    while (!stop)
        rounds++;
    return NULL;
}

int main(void) {
    numbers = malloc(NUMBERS * sizeof *numbers);
    if (!numbers)
        return 1;
    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = i;
    migrate(1, NULL, NULL);
    numbers[0] = 100000;
    commands("there");
    migrate(1, NULL, NULL);
    children("there");
    migrate(0, NULL, NULL);
    numbers[1] = 200000;
    commands("home");
    children("home");

    /* The same while another thread works on the other machine, which stands still for it. */
    pthread_t thread;
    int node = 1;
    pthread_create(&thread, NULL, count, &node);
    while (!rounds)
        usleep(1000);
    children("beside a thread");
    unsigned long before = rounds;
    while (rounds == before)
        usleep(1000);
    stop = 1;
    pthread_join(thread, NULL);
    puts("the thread went on");
    return 0;
}
