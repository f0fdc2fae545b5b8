/* SPDX-License-Identifier: MIT */
/*
 * A program of many processes: a pipeline of three that counts, a parent that waits for its child, zombies, a
 * process group, a shared offset, a shared page, a socketpair with something in flight. It stands still until
 * SIGUSR1 comes; then it says whether all of that is as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBERS 3000

static int to_filter[2], to_sum[2], more_source[2], more_filter[2], words[2], ready[2];
static int *shared, file;
static pid_t first;
static volatile sig_atomic_t told, children_ended, known_ended;
static pid_t known[8];

static void tell(int sig) {
    told = sig;
}

static void child_ended(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    children_ended++;
    for (int i = 0; i < 8; i++)
        known_ended += info->si_pid == known[i];
}

static void say_ready(void) {
    if (write(ready[1], "r", 1) != 1)
        _exit(90);
}

static void wait_for(int fd) {
    char byte;
    if (read(fd, &byte, 1) != 1)
        _exit(91);
}

static int source(void) {
    close(to_filter[0]);
    for (int i = 0; i < NUMBERS; i++) {
        if (i == NUMBERS / 2) {
            say_ready();
            wait_for(more_source[0]);
        }
        if (write(to_filter[1], &i, sizeof i) != sizeof i)
            return 92;
    }
    return 0;
}

static int filter(void) {
    int number, count = 0;
    close(to_filter[1]);
    close(to_sum[0]);
    while (read(to_filter[0], &number, sizeof number) == sizeof number) {
        if (count++ == NUMBERS / 4) {
            say_ready();
            wait_for(more_filter[0]);
        }
        number *= 2;
        if (write(to_sum[1], &number, sizeof number) != sizeof number)
            return 93;
    }
    return count == NUMBERS ? 0 : 94;
}

/* Its parent waits for it; it ends when it is told to by its grandparent. */
static int grandchild(void) {
    pid_t parent = getppid(), own = getpid();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    signal(SIGUSR2, tell);
    sigprocmask(SIG_BLOCK, &set, NULL);
    shared[2] = own;
    say_ready();
    sigemptyset(&set);
    while (!told)
        sigsuspend(&set);
    return getppid() == parent && getpid() == own ? 5 : 95;
}

static int waiter(void) {
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(grandchild());
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) + 1 : 96;
}

/* Leads a group of its own, which its own child is in. */
static int leader(void) {
    pid_t own = getpid(), got;
    int status;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    setpgid(0, 0);
    pid_t child = fork();
    if (child == 0)
        say_ready();
    for (int sig = 0; sig != SIGTERM;)
        sigwait(&set, &sig);
    if (getpgrp() != (child ? own : getppid()) || getpgid(0) != getpgrp())
        _exit(97);
    if (child == 0)
        _exit(1);
    while ((got = waitpid(child, &status, 0)) < 0 && errno == EINTR)
        ;
    return got == child ? 8 + WEXITSTATUS(status) : 98;
}

static int talker(void) {
    char text[32];
    close(words[0]);
    if (send(words[1], "in flight", 9, 0) != 9)
        return 99;
    say_ready();
    ssize_t n = recv(words[1], text, sizeof text, 0);
    if (n != 4 || memcmp(text, "back", 4))
        return 100;
    dprintf(file, "child\n");
    shared[1]++;
    return 11;
}

static pid_t begin(int (*run)(void)) {
    pid_t pid = fork();
    if (pid)
        return pid;
    if (getppid() != first)
        _exit(101);
    _exit(run());
}

static int seven(void) {
    return 7;
}

static int killed(void) {
    raise(SIGKILL);
    return 0;
}

static int end_of(pid_t pid) {
    int status = -1;
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (got != pid)
        return -1000 - errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int main(void) {
    char text[64] = "";
    siginfo_t info = {0};
    sigset_t set, none;
    if (pipe(ready) || socketpair(AF_UNIX, SOCK_STREAM, 0, words))
        return 1;
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, tell);
    file = open("shared.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    first = getpid();
    pid_t zombie = begin(seven), dead = begin(killed);
    waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT);
    waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT);
    pid_t waits = begin(waiter), leads = begin(leader), talks = begin(talker);
    if (pipe(to_filter) || pipe(to_sum) || pipe(more_source) || pipe(more_filter))
        return 1;
    pid_t from = begin(source), through = begin(filter);
    pid_t all[] = {zombie, dead, from, through, waits, leads, talks};
    memcpy(known, all, sizeof all);
    close(to_filter[0]);
    close(to_filter[1]);
    close(to_sum[1]);
    close(words[1]);
    dprintf(file, "first\n");
    shared[1] = 1;
    for (int i = 0; i < 5; i++)
        wait_for(ready[0]);
    struct sigaction action = {.sa_sigaction = child_ended, .sa_flags = SA_SIGINFO};
    sigaction(SIGCHLD, &action, NULL);
    fprintf(stderr, "ready\n");
    while (!told)
        sigsuspend(&none);

    printf("own id %d, no child %d\n", getpid() == first, waitpid(first, NULL, WNOHANG) < 0);
    waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT);
    printf("zombie %d %d", info.si_pid == zombie, info.si_status);
    printf(", then %d", end_of(zombie));
    printf(", then %d\n", end_of(zombie) < -1000);
    printf("killed %d\n", end_of(dead));
    children_ended = known_ended = 0;
    write(more_source[1], "m", 1);
    write(more_filter[1], "m", 1);
    long sum = 0;
    int number, count = 0;
    for (ssize_t n; (n = read(to_sum[0], &number, sizeof number)) != 0;)
        if (n == sizeof number) {
            sum += number;
            count++;
        }
    printf("pipeline %d numbers, %ld", count, sum);
    printf("; %d", end_of(from));
    printf(" %d\n", end_of(through));
    printf("to the grandchild %d", kill(shared[2], SIGUSR2));
    printf(", its parent %d\n", end_of(waits));
    printf("to the group %d", kill(-leads, SIGTERM));
    printf(", the leader %d\n", end_of(leads));
    printf("socketpair %zd", recv(words[0], text, sizeof text, MSG_WAITALL | MSG_DONTWAIT));
    printf(" \"%s\"", text);
    printf(" %zd", send(words[0], "back", 4, 0));
    printf(", the talker %d\n", end_of(talks));
    dprintf(file, "last\n");
    memset(text, 0, sizeof text);
    pread(file, text, sizeof text - 1, 0);
    printf("file %s", text);
    printf("shared %d, ended %d, known %d\n", shared[1], children_ended >= 1, known_ended == children_ended);
    pid_t more = begin(seven);
    printf("a new one %d, none left %d\n", end_of(more), waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
    return 3;
}
