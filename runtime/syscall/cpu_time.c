/* SPDX-License-Identifier: MIT */
#include "syscall/cpu_time.h"
#include "node/nodes.h"
#include "popcorn/control.h"

#define SECOND 1000000000L
#define TICK (SECOND / 100) /* of times(): USER_HZ, the same on all ISAs */

enum { USAGE_OF_PROCESS = 0, USAGE_OF_THREAD = 1 };

/* pthread_getcpuclockid() and clock_getcpuclockid() make these of the calling thread and process. */
static long name_clock(const struct popcorn_thread *thread, long clock) {
    if ((int)clock == (int)(~(unsigned)thread->tid << 3 | 6))
        return CLOCK_OF_THREAD;
    if ((int)clock == (int)(~(unsigned)popcorn_control()->seen_pid << 3 | 2))
        return CLOCK_OF_PROCESS;
    return clock;
}

bool cpu_time_clock(const struct popcorn_thread *thread, long clock, struct kernel_time *out) {
    if (!popcorn_control()->shared)
        return false;
    clock = name_clock(thread, clock);
    if (clock != CLOCK_OF_PROCESS && clock != CLOCK_OF_THREAD)
        return false;
    int64_t time = clock == CLOCK_OF_PROCESS ? nodes_cpu_time(CPU_TIME_EXACT, true)
                                             : nodes_thread_cpu_time(thread, true);
    *out = (struct kernel_time){time / SECOND, time % SECOND};
    return true;
}

/* A struct timeval of the common ABI. */
static void add_time(int64_t *timeval, int64_t nanoseconds) {
    int64_t micro = timeval[1] + nanoseconds / 1000;
    timeval[0] += micro / 1000000;
    timeval[1] = micro % 1000000;
}

long cpu_time_getrusage(const struct popcorn_thread *thread, long who, long usage) {
    int64_t *time = (int64_t *)usage; /* begins with user and system time */
    long r = KERNEL(NR_getrusage, who, usage);
    if (r || !popcorn_control()->shared)
        return r;
    if (who == USAGE_OF_PROCESS) {
        int64_t all = nodes_cpu_time(CPU_TIME_ALL, false), user = nodes_cpu_time(CPU_TIME_USER, false);
        add_time(time, user);
        add_time(time + 2, all > user ? all - user : 0);
    } else if (who == USAGE_OF_THREAD) {
        add_time(time, nodes_thread_cpu_time(thread, false));
    }
    return 0;
}

long cpu_time_times(long times) {
    int64_t *tick = (int64_t *)times;
    long r = KERNEL(NR_times, times);
    if (r == -E_FAULT || !tick || !popcorn_control()->shared)
        return r;
    int64_t all = nodes_cpu_time(CPU_TIME_ALL, false), user = nodes_cpu_time(CPU_TIME_USER, false);
    tick[0] += user / TICK;
    tick[1] += all > user ? (all - user) / TICK : 0;
    return r;
}
