/* SPDX-License-Identifier: MIT */
/* Signals that interrupt each other's handlers anywhere: each handler sees its own siginfo_t and mask, and
 * what it interrupted goes on as if nothing had been. */
#include "e2e.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define KINDS 8
#define ROUNDS 120

static pthread_t target; /* of what is for one thread only */
static _Atomic int sent, handled;
static volatile int over;

static int kind(int k) {
    return SIGRTMIN + k;
}

/* A value that says which signal it belongs to. */
static void handler(int signal, siginfo_t *info, void *context) {
    ucontext_t *interrupted = context;
    int k = signal - SIGRTMIN, saved = errno;
    require(info->si_signo == signal && info->si_code == SI_QUEUE && info->si_pid == getpid());
    require(info->si_value.sival_int % KINDS == k);
    require(sigismember(&interrupted->uc_sigmask, SIGURG) == 1);
    require(sigismember(&interrupted->uc_sigmask, SIGINT) == 0);
    point();
    handled++;
    errno = saved;
}

static void handle(int signal, void (*function)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = function, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    require(sigaction(signal, &action, NULL) == 0);
}

/* Bursts, the next when all of one have been handled: so a slow machine is not drowned. */
static void *send(void *argument) {
    uint32_t random = 7;
    sigset_t all;
    sigfillset(&all);
    require(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < KINDS; k++) {
            union sigval value = {.sival_int = i * KINDS + k};
            require(sigqueue(getpid(), kind(k), value) == 0);
            for (volatile uint32_t n = next_random(&random) % 512; n; n--)
                ;
        }
        sent += KINDS;
        while (handled < sent)
            usleep(50);
    }
    over = 1;
    return argument;
}

NOINLINE static uint64_t work(uint64_t x, int depth) {
    uint64_t y = x * 6364136223846793005u + 1442695040888963407u;
    point();
    return depth ? work(y, depth - 1) ^ y : y;
}

static void storm(int flags) {
    pthread_t sender;
    uint64_t first = work(1, 6), rounds = 0;
    sent = handled = over = 0;
    for (int k = 0; k < KINDS; k++)
        handle(kind(k), handler, flags);
    require(pthread_create(&sender, NULL, send, NULL) == 0);
    while (!over) {
        require(work(1, 6) == first);
        rounds++;
    }
    require(pthread_join(sender, NULL) == 0);
    require(rounds > 0);
    printf("flags %s: %d handled\n",
           flags & SA_ONSTACK ? "SA_ONSTACK"
           : flags            ? "SA_NODEFER"
                              : "none",
           handled);
}

static void sleeps(int signal, siginfo_t *info, void *context) {
    struct timespec moment = {0, 1000000};
    (void)signal, (void)info, (void)context;
    nanosleep(&moment, NULL);
}

static void *interrupt(void *fd) {
    usleep(100000);
    pthread_kill(target, SIGUSR1);
    usleep(100000);
    require(write(*(int *)fd, "x", 1) == 1);
    return NULL;
}

/* A handler's own waits have no say in whether the call that it interrupted begins again. */
static void calls_of_handlers(int flags) {
    int fds[2];
    char byte;
    pthread_t thread;
    require(pipe(fds) == 0);
    handle(SIGUSR1, sleeps, flags);
    require(pthread_create(&thread, NULL, interrupt, &fds[1]) == 0);
    errno = 0;
    ssize_t n = read(fds[0], &byte, 1);
    printf("read: %s\n", n == 1 ? "begun again" : errno == EINTR ? "interrupted" : "failed");
    require(pthread_join(thread, NULL) == 0);
}

int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    require(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    target = pthread_self();
    storm(0);
    storm(SA_ONSTACK);
    storm(SA_NODEFER);
    calls_of_handlers(0);
    calls_of_handlers(SA_RESTART);
    return 0;
}
