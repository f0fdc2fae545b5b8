/* SPDX-License-Identifier: MIT */
/*
 * Timers of timer_create(), of every kind: after SIGUSR1 it tells whether they still run, with their ids,
 * values and overruns, whether the signal of one that had run down waits, and whether time of day was kept.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TICKS = 40, WAITS, PAST, LATER }; /* signals */

static _Atomic int ticks, calls, wrong;
static int value;
static volatile sig_atomic_t asked;

static void tick(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    wrong += info->si_code != SI_TIMER || info->si_value.sival_ptr != &value;
    ticks++;
}

static void call(union sigval v) {
    wrong += v.sival_ptr != &calls;
    calls++;
}

static void ask(int sig) {
    (void)sig;
    asked = 1;
}

static timer_t make(clockid_t clock, int notify, int sig, void *pointer) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = sig, .sigev_value.sival_ptr = pointer};
    if (notify == SIGEV_THREAD)
        event.sigev_notify_function = call;
    if (timer_create(clock, &event, &timer)) {
        printf("timer_create: %s\n", strerror(errno));
        fflush(stdout);
        _exit(9);
    }
    return timer;
}

static void set(timer_t timer, int flags, struct timespec first, long interval_ms) {
    struct itimerspec s = {{interval_ms / 1000, interval_ms % 1000 * 1000000}, first};
    if (timer_settime(timer, flags, &s, NULL))
        wrong++;
}

static double left(timer_t timer, double *interval) {
    struct itimerspec s = {0};
    if (timer_gettime(timer, &s))
        return -1;
    *interval = (double)s.it_interval.tv_sec + (double)s.it_interval.tv_nsec / 1e9;
    return (double)s.it_value.tv_sec + (double)s.it_value.tv_nsec / 1e9;
}

static bool waits_for(_Atomic int *count) {
    int before = *count;
    for (int i = 0; i < 2000 && *count < before + 3; i++)
        usleep(10000);
    return *count >= before + 3;
}

static int take(int sig, siginfo_t *info) {
    sigset_t set;
    struct timespec patience = {10, 0};
    sigemptyset(&set);
    sigaddset(&set, sig);
    return sigtimedwait(&set, info, &patience);
}

int main(void) {
    struct sigaction ticking = {.sa_sigaction = tick, .sa_flags = SA_SIGINFO | SA_RESTART},
                     asking = {.sa_handler = ask};
    sigset_t blocked;
    siginfo_t info;
    double interval = 0, none = 0;
    struct timespec now, soon = {0, 1000000}, half = {0, 50000000};
    sigaction(TICKS, &ticking, NULL);
    sigaction(SIGUSR1, &asking, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, WAITS);
    sigaddset(&blocked, PAST);
    sigaddset(&blocked, LATER);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);

    timer_t gone = make(CLOCK_MONOTONIC, SIGEV_NONE, 0, NULL);
    timer_t ticker = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, TICKS, &value);
    timer_t caller = make(CLOCK_REALTIME, SIGEV_THREAD, 0, &calls);
    timer_t waiter = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, WAITS, &wrong);
    timer_t past = make(CLOCK_REALTIME, SIGEV_SIGNAL, PAST, NULL);
    timer_t later = make(CLOCK_REALTIME, SIGEV_SIGNAL, LATER, NULL);
    timer_t idle = make(CLOCK_MONOTONIC, SIGEV_NONE, 0, NULL);
    timer_delete(gone);
    set(ticker, 0, half, 50);
    set(caller, 0, half, 50);
    set(waiter, 0, soon, 0);
    clock_gettime(CLOCK_REALTIME, &now);
    set(later, TIMER_ABSTIME, (struct timespec){now.tv_sec + 3000, now.tv_nsec}, 0);
    set(past, TIMER_ABSTIME, (struct timespec){now.tv_sec - 5500, now.tv_nsec},
        1000000); /* five times in vain */
    int came = take(PAST, &info) == PAST && info.si_code == SI_TIMER, over = timer_getoverrun(past);

    fprintf(stderr, "ready\n");
    while (!asked)
        usleep(1000);
    bool ticked = waits_for(&ticks), called = waits_for(&calls);
    printf("ticks %d, calls %d, wrong %d\n", ticked, called, wrong);
    printf("past: %d, overrun %d, then %d\n", came, over, timer_getoverrun(past));
    came = take(WAITS, &info);
    printf("waits: %d, of a timer %d, value %d\n", came == WAITS, info.si_code == SI_TIMER,
           info.si_value.sival_ptr == &wrong);
    struct timespec then;
    clock_gettime(CLOCK_REALTIME, &then);
    double rest =
        left(later, &none) + (double)(then.tv_sec - now.tv_sec) + (double)(then.tv_nsec - now.tv_nsec) / 1e9;
    printf("later: %d, once %d\n", rest > 2999.9 && rest < 3000.1, none == 0);
    int idles = left(idle, &none) == 0, runs = left(ticker, &interval) > 0;
    printf("idle %d, interval %g, runs %d\n", idles, interval, runs);
    timer_t fresh = make(CLOCK_MONOTONIC, SIGEV_THREAD, 0, &calls);
    set(caller, 0, (struct timespec){0, 0}, 0);
    usleep(100000);
    set(fresh, 0, soon, 20);
    clock_gettime(CLOCK_MONOTONIC, &then);
    timer_t absolute = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, WAITS, NULL);
    set(absolute, TIMER_ABSTIME, (struct timespec){then.tv_sec + 1, then.tv_nsec}, 0);
    rest = left(absolute, &none);
    struct itimerspec until = {{0, 0}, {then.tv_sec + 1, then.tv_nsec}}, file = {0};
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    wrong += timerfd_settime(fd, TFD_TIMER_ABSTIME, &until, NULL) || timerfd_gettime(fd, &file);
    double rest_of_file = (double)file.it_value.tv_sec + (double)file.it_value.tv_nsec / 1e9;
    printf("new ones: %d, ids %d, until a time %d\n", waits_for(&calls),
           absolute != ticker && absolute != waiter && absolute != past && absolute != later &&
               absolute != idle,
           rest > 0.3 && rest <= 1 && rest_of_file > 0.3 && rest_of_file <= 1 && !wrong);
    printf("deleted: %d %d\n", timer_delete(ticker) || timer_delete(idle), timer_delete(ticker) != 0);
    return 4;
}
