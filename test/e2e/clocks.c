/* SPDX-License-Identifier: MIT */
/* Time: clocks that do not run backwards over a hop, sleeping, calendars, resource use. */
#include "e2e.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static double now(clockid_t clock) {
    struct timespec t;
    require(clock_gettime(clock, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void) {
    double monotonic = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME),
           thread = now(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < 50; i++) {
        point();
        double m = now(CLOCK_MONOTONIC), r = now(CLOCK_REALTIME);
        require(m >= monotonic && r >= real - 1);
        monotonic = m;
        real = r;
    }
    (void)thread;
    struct timeval tv;
    gettimeofday(&tv, NULL);
    require((double)tv.tv_sec >= real - 1 && (double)tv.tv_sec < real + 60 && time(NULL) >= (time_t)real - 1);
    double before = now(CLOCK_MONOTONIC);
    usleep(20000);
    point();
    require(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 10000000}, NULL) == 0);
    double slept = now(CLOCK_MONOTONIC) - before;
    require(slept >= 0.03 && slept < 20);
    puts("slept");

    setenv("TZ", "UTC", 1);
    time_t then = 1234567890;
    struct tm tm;
    char text[100];
    gmtime_r(&then, &tm);
    point();
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %j %U", &tm);
    puts(text);
    tm.tm_mon += 14;
    printf("%lld\n", (long long)mktime(&tm));
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    localtime_r(&then, &tm);
    printf("%d:%02d %s", tm.tm_hour, tm.tm_min, asctime(&tm));
    point();

    struct rusage usage;
    struct tms ticks;
    require(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0 && times(&ticks) != (clock_t)-1);
    require(clock() != (clock_t)-1);
    struct timespec resolution;
    require(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0);
    require(clock_gettime(12345, &resolution) == -1 && errno == EINVAL);
    timer_t timer;
    require(timer_create(CLOCK_MONOTONIC, &(struct sigevent){.sigev_notify = SIGEV_NONE}, &timer) == 0);
    struct itimerspec long_time = {.it_value = {1000, 0}}, left;
    require(timer_settime(timer, 0, &long_time, NULL) == 0);
    point();
    require(timer_gettime(timer, &left) == 0 && left.it_value.tv_sec > 900 && timer_delete(timer) == 0);
    puts("done");
    return 0;
}
