/* SPDX-License-Identifier: MIT */
/*
 * processes SECONDS SEED: threads fork, spawn, run, kill and wait for children at random, in handlers too, while they hop; and check
 * what becomes of each child. Ends with one line, and 1 if anything was wrong.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <popcorn/migrate.h>

enum { THREADS = 3, CHILD_EXIT = 40 };

extern char **environ;

static atomic_int actions, wrong, handled, forks_of_handlers;
static pthread_t thread[THREADS];
static pthread_barrier_t all_done;
static _Thread_local uint32_t state;
static time_t end;

static uint32_t next_random(void) {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...) {
    va_list arguments;
    char line[256];
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    line[n] = '\n';
    if (write(2, line, (size_t)n + 1) < 0)
        _exit(3);
    wrong++;
}

static uint32_t hop_about(uint32_t rounds) {
    uint32_t value = 1;
    for (uint32_t i = 0; i < rounds; i++) {
        check_migrate(NULL, NULL);
        value = value * 31 + i;
    }
    return value;
}

static void reap(const char *what, pid_t pid, int expected) {
    int status;
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (got != pid)
        complain("%s: waitpid of %d: %s", what, pid, strerror(errno));
    else if (status != expected)
        complain("%s: status %x, not %x", what, (unsigned)status, (unsigned)expected);
}

/* A child may be refused under load; nothing else. */
static bool made(const char *what, pid_t pid) {
    if (pid < 0)
        complain("%s: %s", what, strerror(errno));
    return pid >= 0;
}

static void fork_and_exit(void) {
    uint32_t rounds = next_random() % 20, before = hop_about(rounds);
    pid_t pid = fork();
    if (pid == 0)
        _exit(hop_about(rounds) == before ? CHILD_EXIT : 1);
    if (made("fork", pid)) {
        hop_about(next_random() % 20);
        reap("fork", pid, CHILD_EXIT << 8);
    }
}

static void fork_twice(void) {
    pid_t pid = fork();
    if (pid == 0) {
        hop_about(next_random() % 10);
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(CHILD_EXIT + 1);
        if (grandchild > 0)
            reap("grandchild", grandchild, (CHILD_EXIT + 1) << 8);
        _exit(grandchild > 0 && !wrong ? CHILD_EXIT : 1);
    }
    if (made("fork twice", pid))
        reap("fork twice", pid, CHILD_EXIT << 8);
}

static void fork_and_kill(void) {
    int signal = next_random() % 2 ? SIGKILL : SIGTERM;
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == self)
            hop_about(100);
        _exit(1);
    }
    if (made("fork to kill", pid)) {
        hop_about(next_random() % 200);
        if (next_random() % 4 == 0)
            usleep(next_random() % 20000);
        kill(pid, signal);
        reap("kill", pid, signal);
    }
}

static void fork_and_run(void) {
    pid_t pid = fork();
    if (pid == 0) {
        hop_about(next_random() % 10);
        execl("/bin/sh", "sh", "-c", "exit 40", (char *)NULL);
        _exit(1);
    }
    if (made("fork to run", pid))
        reap("run", pid, CHILD_EXIT << 8);
}

static void spawn(void) {
    char *arguments[] = {"sh", "-c", "exit 40", NULL};
    pid_t pid;
    int r = posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ);
    if (r) {
        complain("posix_spawn: %s", strerror(r));
        return;
    }
    hop_about(next_random() % 20);
    reap("spawn", pid, CHILD_EXIT << 8);
    if (posix_spawn(&pid, "/does/not/exist", NULL, NULL, arguments, environ) != ENOENT)
        complain("posix_spawn of nothing");
}

static void use_vfork(void) {
    pid_t pid = vfork();
    if (pid == 0)
        _exit(CHILD_EXIT);
    if (made("vfork", pid))
        reap("vfork", pid, CHILD_EXIT << 8);
}

static void *work_a_little(void *argument) {
    return (void *)(uintptr_t)hop_about((uint32_t)(uintptr_t)argument);
}

static void start_thread(void) {
    pthread_t one;
    void *result;
    uint32_t rounds = next_random() % 30;
    int r = pthread_create(&one, NULL, work_a_little, (void *)(uintptr_t)rounds);
    if (r) {
        complain("pthread_create: %s", strerror(r));
        return;
    }
    pthread_join(one, &result);
    if ((uint32_t)(uintptr_t)result != hop_about(rounds))
        complain("a thread's result");
}

/* A child with threads of its own that hop. */
static void fork_and_thread(void) {
    pid_t pid = fork();
    if (pid == 0) {
        start_thread();
        _exit(wrong ? 1 : CHILD_EXIT);
    }
    if (made("fork for a thread", pid))
        reap("child with a thread", pid, CHILD_EXIT << 8);
}

static void share_memory(void) {
    size_t size = 4096 * (1 + next_random() % 8);
    uint32_t *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        complain("mmap: %s", strerror(errno));
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        hop_about(next_random() % 10);
        shared[size / 4 - 1] = 12345;
        _exit(CHILD_EXIT);
    }
    if (made("fork to share", pid)) {
        reap("sharing child", pid, CHILD_EXIT << 8);
        hop_about(next_random() % 10);
        if (shared[size / 4 - 1] != 12345)
            complain("shared memory");
    }
    munmap(shared, size);
}

static void count(int signal) {
    (void)signal;
    handled++;
}

/* (fork is not async-signal-safe: the thread may have been in malloc.) */
static void fork_in_handler(int signal) {
    int saved = errno;
    pid_t pid = _Fork();
    if (pid == 0)
        _exit(CHILD_EXIT + 2);
    if (pid < 0)
        complain("fork in a handler (%d): %s", signal, strerror(errno));
    else
        forks_of_handlers++;
    if (pid > 0)
        reap("child of a handler", pid, (CHILD_EXIT + 2) << 8);
    errno = saved;
}

/* The child returns from its handler, into what the thread was doing, and ends there. */
static _Thread_local volatile pid_t split;

static void fork_and_return(int signal) {
    (void)signal;
    split = _Fork();
}

static void fork_by_signal(void) {
    uint32_t rounds = next_random() % 20, before = hop_about(rounds);
    raise(SIGRTMIN + 2);
    pid_t pid = split;
    if (pid == 0)
        _exit(hop_about(rounds) == before ? CHILD_EXIT : 1);
    if (made("fork by a signal", pid))
        reap("child by a signal", pid, CHILD_EXIT << 8);
}

static void signal_others(void) {
    for (uint32_t i = next_random() % 4; i > 0; i--)
        pthread_kill(thread[next_random() % THREADS], SIGRTMIN + (int)(next_random() % 2));
}

static void (*const action[])(void) = {
    fork_and_exit, fork_twice,   fork_and_kill, fork_and_run,   spawn,         use_vfork,
    start_thread,  share_memory, signal_others, fork_by_signal, signal_others, fork_and_thread,
};

static void *act(void *argument) {
    state = (uint32_t)(uintptr_t)argument;
    while (time(NULL) < end && !wrong) {
        action[next_random() % (sizeof action / sizeof *action)]();
        hop_about(next_random() % 50);
        actions++;
    }
    pthread_barrier_wait(&all_done); /* until then, others send signals here */
    return NULL;
}

static int count_files(void) {
    DIR *folder = opendir("/proc/self/fd");
    int n = 0;
    while (folder && readdir(folder))
        n++;
    closedir(folder);
    return n;
}

int main(int argc, char **argv) {
    int seconds = argc > 1 ? atoi(argv[1]) : 10, seed = argc > 2 ? atoi(argv[2]) : 1;
    struct sigaction set = {.sa_flags = SA_RESTART};
    state = (uint32_t)seed;
    hop_about(2000);
    int files = count_files();
    end = time(NULL) + seconds;
    set.sa_handler = count;
    sigaction(SIGRTMIN, &set, NULL);
    set.sa_handler = fork_in_handler;
    sigaction(SIGRTMIN + 1, &set, NULL);
    set.sa_handler = fork_and_return;
    sigaction(SIGRTMIN + 2, &set, NULL);
    pthread_barrier_init(&all_done, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        thread[i] = pthread_self();
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, act, (void *)(uintptr_t)(seed * 100 + i));
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        complain("a child is left");
    if (count_files() != files)
        complain("%d files, %d before", count_files(), files);
    printf("%d actions, %d signals, %d forks in handlers, %d wrong\n", actions, handled, forks_of_handlers,
           wrong);
    return wrong != 0;
}
