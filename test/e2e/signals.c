/* SPDX-License-Identifier: MIT */
/* Signals: handlers, siginfo, masks, pending, nesting, kill of oneself, suspend and wait, alternate stacks,
 * timers. */
#include "e2e.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t count, last_signal, depth, deepest, value, on_stack, alarms;
static char alternate[64 * 1024];

static void hop_about(int n) {
    for (int i = 0; i < n; i++)
        point();
}

static void simple(int signal) {
    count++;
    last_signal = signal;
}

static void with_info(int signal, siginfo_t *info, void *context) {
    last_signal = signal;
    value = info->si_value.sival_int;
    require(info->si_pid == getpid() && info->si_code == SI_QUEUE && context != NULL);
}

static void nests(int signal) {
    int local = 5;
    if (++depth > deepest)
        deepest = depth;
    if (depth < 4)
        raise(signal);
    require(local == 5);
    depth--;
}

static void on_alternate(int signal) {
    char here;
    (void)signal;
    on_stack = &here >= alternate && &here < alternate + sizeof alternate;
}

static void tick(int signal) {
    (void)signal;
    alarms++;
}

static void *receive(void *argument) {
    sigset_t *set = argument;
    int got = 0;
    hop_about(2);
    sigwait(set, &got);
    hop_about(2);
    return (void *)(intptr_t)got;
}

static void install(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    require(sigaction(signal, &action, NULL) == 0);
}

int main(void) {
    sigset_t set, old, pending;
    hop_about(3);
    install(SIGUSR1, simple, 0);
    for (int i = 0; i < 20; i++) {
        double live = i * 1.5;
        hop_about(1);
        if (i % 2)
            raise(SIGUSR1);
        else
            kill(getpid(), SIGUSR1);
        hop_about(1);
        require(live == i * 1.5);
    }
    printf("count %d last %d\n", (int)count, (int)last_signal);

    struct sigaction action = {.sa_sigaction = with_info, .sa_flags = SA_SIGINFO};
    require(sigaction(SIGUSR2, &action, NULL) == 0);
    hop_about(1);
    sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 4711});
    printf("queue %d %d\n", (int)value, (int)last_signal);
    struct sigaction read_back;
    sigaction(SIGUSR2, NULL, &read_back);
    printf("read back %d %d\n", read_back.sa_sigaction == with_info, (read_back.sa_flags & SA_SIGINFO) != 0);

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    count = 0;
    raise(SIGUSR1);
    hop_about(2);
    sigpending(&pending);
    printf("blocked %d pending %d\n", (int)count, sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    hop_about(1);
    printf("unblocked %d\n", (int)count);

    install(SIGUSR1, nests, SA_NODEFER);
    raise(SIGUSR1);
    printf("nested %d\n", (int)deepest);

    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    require(sigaltstack(&stack, NULL) == 0);
    install(SIGUSR1, on_alternate, SA_ONSTACK);
    hop_about(1);
    raise(SIGUSR1);
    printf("handled %d\n", (int)(on_stack == 0 || on_stack == 1));

    install(SIGALRM, tick, 0);
    struct itimerval every = {{0, 2000}, {0, 2000}};
    setitimer(ITIMER_REAL, &every, NULL);
    while (alarms < 5)
        hop_about(1);
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    printf("timer %d\n", alarms >= 5);
    alarms = 0;
    struct timespec longish = {10, 0}, rest;
    ualarm(200000, 0); /* time enough for a busy machine to be asleep by then */
    int result = nanosleep(&longish, &rest);
    printf("interrupted %d %d %d\n", result, errno == EINTR, rest.tv_sec <= 9);
    hop_about(1);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, &old);
    ualarm(1000, 0);
    sigsuspend(&old);
    printf("suspended %d %d\n", alarms >= 1, errno == EINTR);
    sigprocmask(SIG_SETMASK, &old, NULL);

    pthread_t thread;
    void *got;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    require(pthread_create(&thread, NULL, receive, &set) == 0);
    hop_about(1);
    pthread_kill(thread, SIGUSR2);
    pthread_join(thread, &got);
    printf("waited %d\n", (int)(intptr_t)got == SIGUSR2);
    signal(SIGUSR2, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(SIGUSR2);
    install(SIGUSR1, simple, SA_RESETHAND);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &read_back);
    printf("reset %d\n", read_back.sa_handler == SIG_DFL);
    return 0;
}
