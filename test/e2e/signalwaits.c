/* SPDX-License-Identifier: MIT */
/* Threads that wait for signals, or through them, while others storm: no signal is lost, no wait outlasts
 * what ends it, and a cancelled thread ends soon. */
#include "storm.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 120

static sem_t from_handler, turn;
static _Atomic int handled, posted, taken, cleaned;
static _Atomic long sum, sum_sent;
static volatile int over;

static void counts(int signal) {
    handled++;
    work((uint64_t)signal, 2);
}

static void posts(int signal) {
    work((uint64_t)signal, 1);
    posted++;
    sem_post(&from_handler);
}

static void disturbs(int signal) {
    work((uint64_t)signal, 1);
}

static sigset_t only(int signal) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static void *wait_for_info(void *argument) {
    sigset_t set = only(SIGRTMIN + 1);
    siginfo_t info;
    for (;;) {
        int signal = sigwaitinfo(&set, &info);
        if (signal < 0) {
            require(errno == EINTR);
            continue;
        }
        require(signal == SIGRTMIN + 1 && info.si_code == SI_QUEUE);
        if (info.si_value.sival_int < 0)
            return argument;
        sum += info.si_value.sival_int;
        work(1, 4);
    }
}

static void *suspend(void *argument) {
    sigset_t set = only(SIGUSR1), all;
    require(pthread_sigmask(SIG_BLOCK, &set, &all) == 0);
    sem_post(&turn);
    for (int seen = 0; !over;) {
        while (handled == seen && !over)
            require(sigsuspend(&all) == -1 && errno == EINTR);
        seen = handled;
        work(2, 4);
        sem_post(&turn);
    }
    return argument;
}

static void *take(void *argument) {
    while (!over) {
        while (sem_wait(&from_handler) < 0)
            require(errno == EINTR);
        taken++;
        work(3, 4);
    }
    return argument;
}

static void clean(void *count) {
    ++*(_Atomic int *)count;
    work(4, 2);
}

static void wait_a_moment(pthread_mutex_t *mutex, pthread_cond_t *condition) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec = (end.tv_nsec + 1000000) % 1000000000;
    pthread_mutex_lock(mutex);
    pthread_cond_timedwait(condition, mutex, &end);
    pthread_mutex_unlock(mutex);
}

static void *until_cancelled(void *fd) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct pollfd poll_set = {*(int *)fd, POLLIN, 0};
    struct timespec moment = {0, 1000000};
    pthread_cleanup_push(clean, &cleaned);
    for (int i = 0;; i++) {
        if (i % 3 == 0)
            nanosleep(&moment, NULL);
        else if (i % 3 == 1)
            poll(&poll_set, 1, 1);
        else
            wait_a_moment(&mutex, &condition);
        work(5, 5);
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancel_one(int fd, uint32_t random) {
    pthread_t thread;
    void *result;
    require(pthread_create(&thread, NULL, until_cancelled, &fd) == 0);
    usleep(random % 3000);
    if (random & 1)
        pthread_kill(thread, SIGHUP);
    time_t begin = time(NULL);
    pthread_cancel(thread);
    require(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    require(time(NULL) - begin < 8);
}

static void queue(int value) {
    union sigval v = {.sival_int = value};
    while (sigqueue(getpid(), SIGRTMIN + 1, v) < 0)
        require(errno == EAGAIN);
}

static void one_round(int round, uint32_t *random, const pthread_t thread[3], int fd) {
    while (sem_wait(&turn) < 0)
        require(errno == EINTR);
    require(pthread_kill(thread[1], SIGUSR1) == 0);
    for (int i = 0; i < 3; i++) {
        int value = (int)(next_random(random) % 1000);
        sum_sent += value;
        queue(value);
    }
    pthread_kill(thread[2], SIGUSR2);
    pthread_kill(thread[0], SIGHUP);
    if (round % 3 == 0)
        pthread_kill(thread[2], SIGHUP);
    if (round % 4 == 0)
        cancel_one(fd, next_random(random));
    work(6, 5);
}

static void end(const pthread_t thread[3]) {
    int left;
    queue(-1);
    pthread_join(thread[0], NULL);
    require(sum == sum_sent);
    while (sem_wait(&turn) < 0)
        ;
    over = 1;
    pthread_kill(thread[1], SIGUSR1);
    pthread_join(thread[1], NULL);
    posted++;
    sem_post(&from_handler);
    pthread_join(thread[2], NULL);
    sem_getvalue(&from_handler, &left);
    require(taken + left == posted);
    require(cleaned == ROUNDS / 4);
}

int main(void) {
    static void *(*const function[3])(void *) = {wait_for_info, suspend, take};
    sigset_t queued = only(SIGRTMIN + 1), own = only(SIGUSR1);
    struct itimerval often = {{0, 20000}, {0, 20000}};
    uint32_t random = 5;
    pthread_t thread[3];
    int fds[2];
    require(pipe(fds) == 0 && sem_init(&from_handler, 0, 0) == 0 && sem_init(&turn, 0, 0) == 0);
    require(pthread_sigmask(SIG_BLOCK, &queued, NULL) == 0);
    handle(SIGUSR1, counts, 0);
    handle(SIGUSR2, posts, 0);
    handle(SIGPROF, disturbs, SA_RESTART);
    handle(SIGHUP, disturbs, 0);
    for (int i = 0; i < 3; i++)
        require(pthread_create(&thread[i], NULL, function[i], NULL) == 0);
    require(pthread_sigmask(SIG_BLOCK, &own, NULL) == 0);
    require(setitimer(ITIMER_PROF, &often, NULL) == 0);
    for (int round = 0; round < ROUNDS; round++)
        one_round(round, &random, thread, fds[0]);
    end(thread);
    puts("all came, and once");
    return 0;
}
