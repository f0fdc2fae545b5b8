/* SPDX-License-Identifier: MIT */
/* Threads that wait in every way there is; the main one for them. Each tells what it waited for, in a fixed order. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static int turn, data[2], event, epoll, timer, handled;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Did something that began then take this long, within what a busy machine may add? */
static const char *took(double begin, double seconds) {
    double passed = now() - begin;
    return passed < seconds - 0.05 ? "too short" : passed > seconds + 30 ? "too long" : "right";
}

static void *sleeps(void *unused) {
    double begin = now();
    struct timespec t = {6, 0};
    int r = nanosleep(&t, NULL);
    printf("nanosleep %d, %s\n", r, took(begin, 6));
    return unused;
}

static void *polls(void *unused) {
    char byte = 0;
    struct pollfd p = {data[0], POLLIN, 0};
    int ready = poll(&p, 1, -1);
    ssize_t n = read(data[0], &byte, 1);
    printf("poll %d, read %zd %c\n", ready, n, byte);
    n = read(data[0], &byte, 1);
    printf("read %zd %c\n", n, byte);
    return unused;
}

static void *watches(void *unused) {
    struct epoll_event e;
    uint64_t count = 0, ticks = 0;
    int n = epoll_wait(epoll, &e, 1, -1);
    ssize_t size = read(event, &count, sizeof count);
    printf("epoll %d %x, eventfd %zd %llu\n", n, e.data.u32, size, (unsigned long long)count);
    size = read(timer, &ticks, sizeof ticks);
    printf("timerfd %zd %d\n", size, ticks >= 1);
    return unused;
}

static void *waits(void *unused) {
    pthread_mutex_lock(&lock);
    while (turn < 1)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    sem_wait(&sem);
    puts("condition and semaphore");
    return unused;
}

static void *times_out(void *unused) {
    struct timespec t;
    double begin = now();
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 4;
    pthread_mutex_lock(&lock);
    int r = 0;
    while (turn < 1000 && !r)
        r = pthread_cond_timedwait(&changed, &lock, &t);
    pthread_mutex_unlock(&lock);
    (void)begin;
    printf("timed out %d\n", r == ETIMEDOUT);
    return unused;
}

static void on_alarm(int sig) {
    handled += sig == SIGALRM;
}

int main(void) {
    pthread_t thread[5];
    void *(*const work[5])(void *) = {polls, watches, waits, times_out, sleeps};
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = 0x1234};
    struct itimerspec later = {{0, 0}, {5, 0}};
    sigset_t blocked;
    pid_t self = getpid();
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, on_alarm);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    if (pipe(data) || sem_init(&sem, 0, 0))
        return 1;
    event = eventfd(0, EFD_CLOEXEC);
    epoll = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(timer, 0, &later, NULL);
    epoll_ctl(epoll, EPOLL_CTL_ADD, event, &e);
    for (int i = 0; i < 5; i++)
        pthread_create(&thread[i], NULL, work[i], NULL);
    alarm(3);
    fprintf(stderr, "ready\n");
    pause();
    double begin = now();
    struct timespec t = {2, 0};
    while (nanosleep(&t, &t) && errno == EINTR)
        ;
    printf("alarm %d, slept %s, pid %d\n", handled, took(begin, 2), self == getpid());
    if (write(data[1], "ab", 2) != 2)
        return 2;
    pthread_join(thread[0], NULL);
    uint64_t five = 5;
    if (write(event, &five, sizeof five) != sizeof five)
        return 3;
    pthread_join(thread[1], NULL);
    pthread_mutex_lock(&lock);
    turn = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    sem_post(&sem);
    for (int i = 2; i < 4; i++)
        pthread_join(thread[i], NULL);
    pthread_join(thread[4], NULL);
    sigset_t pending;
    sigpending(&pending);
    struct timespec none = {0, 0};
    int pends = sigismember(&pending, SIGUSR1), taken = sigtimedwait(&blocked, NULL, &none) == SIGUSR1;
    printf("pending %d, taken %d\n", pends, taken);
    int status = kill(getpid(), 0) == 0 && pthread_kill(pthread_self(), 0) == 0 ? 11 : 12;
    return status;
}
