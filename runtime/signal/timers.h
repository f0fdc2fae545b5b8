/* SPDX-License-Identifier: MIT */
/*
 * Timers of timer_create(), at the origin. The kernel does not say how one was made, so that is kept here;
 * and the program knows each by the kernel's id of the process that made it, which may be another by now.
 */
#ifndef SIGNAL_TIMERS_H
#define SIGNAL_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SIGEV_… of the common ABI: how the end of its time is told. */
enum { TIMER_BY_SIGNAL = 0, TIMER_TELLS_NOBODY = 1, TIMER_BY_THREAD = 4 };

/* The system calls of that name. */
long timers_create(long clock, const void *event, int32_t *id);
long timers_set(int32_t id, long flags, const void *time, void *old);
long timers_get(int32_t id, void *time);
long timers_overrun(int32_t id);
long timers_delete(int32_t id);

/* One as it stands, for checkpoints. Times in nanoseconds. */
struct timer_state {
    int32_t id; /* the program's */
    int32_t clock;
    int32_t signal, notify;
    int32_t tid;      /* of TIMER_BY_THREAD, as the program sees it */
    int32_t overrun;  /* of the last signal that came */
    bool absolute;    /* it was set to a time of its clock */
    uint64_t value;   /* comes with the signal */
    int64_t interval; /* 0: once */
    int64_t left;     /* 0: it does not run */
};

/* The timer of this index as it is now; false behind the last. While no thread of the program runs. */
bool timers_state(uint32_t index, struct timer_state *);

/*
 * In a process that begins with a checkpoint, when its threads are there: makes one as it was, which does not
 * run yet, and lets it run. `realtime`: the time of day when it was as it is, nanoseconds. 0 or a negative
 * errno.
 */
long timers_restore(const struct timer_state *);
long timers_run(const struct timer_state *, int64_t realtime);

#endif
