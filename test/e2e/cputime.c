/* SPDX-License-Identifier: MIT */
/* e2e: hop=every:40 min=5 */
/* Processor time is that of all nodes, by whatever call, and never goes back. */
#include "e2e.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static long long clock_now(clockid_t clock) {
    struct timespec t;
    require(clock_gettime(clock, &t) == 0);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static long long usage(int who) {
    struct rusage u;
    require(getrusage(who, &u) == 0);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * SECOND +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

static long long ticks(void) {
    struct tms t;
    require(times(&t) != (clock_t)-1);
    return (t.tms_utime + t.tms_stime) * (SECOND / sysconf(_SC_CLK_TCK));
}

static long long own_clock(void) {
    clockid_t clock;
    require(pthread_getcpuclockid(pthread_self(), &clock) == 0);
    return clock_now(clock);
}

enum { PROCESS, THREAD, USAGE, USAGE_OF_THREAD, TIMES, CLOCK, OWN, KINDS };

static void read_all(long long *time) {
    time[PROCESS] = clock_now(CLOCK_PROCESS_CPUTIME_ID);
    time[THREAD] = clock_now(CLOCK_THREAD_CPUTIME_ID);
    time[USAGE] = usage(RUSAGE_SELF);
    time[USAGE_OF_THREAD] = usage(RUSAGE_THREAD);
    time[TIMES] = ticks();
    time[CLOCK] = clock() * (SECOND / CLOCKS_PER_SEC);
    time[OWN] = own_clock();
}

static NOINLINE double compute(int n) {
    double x = 1;
    for (int i = 0; i < n; i++)
        x = x * 1.0000001 + 1e-9;
    return x;
}

int main(void) {
    long long first[KINDS], before[KINDS], now[KINDS];
    double sum = 0;
    read_all(first);
    memcpy(before, first, sizeof before);
    do {
        sum += compute(100000);
        point();
        read_all(now);
        for (int i = 0; i < KINDS; i++)
            require(now[i] >= before[i]);
        memcpy(before, now, sizeof before);
    } while (now[THREAD] - first[THREAD] < SECOND / 2); /* the process has started nodes besides */
    for (int i = 0; i < KINDS; i++)
        require(now[i] - first[i] > SECOND / 5 && now[i] - first[i] < 2 * SECOND);
    printf("right %d\n", sum > 0);
    return 0;
}
