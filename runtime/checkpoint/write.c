/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/home.h"
#include "base/own_signal.h"
#include "checkpoint/internal.h"
#include "memory/memory.h"
#include "memory/touched.h"
#include "signal/signals.h"
#include "signal/timers.h"
#include "thread/threads.h"

extern char __popcorn_data_start[] __attribute__((weak));
extern char __popcorn_data_end[] __attribute__((weak));

static uint64_t pending_for_all(void) {
    uint64_t pending = 0;
    KERNEL(NR_rt_sigpending, &pending, 8); /* all signals are blocked in this thread */
    return pending & ~(1ULL << (own_signal - 1));
}

/*
 * A signal that waits is a timer's if one has that number and is for whom it waits, `tid`, or 0 for the whole
 * process: the kernel shows that it waits, and no more. Of several such timers it is the first one's.
 */
static bool is_of_timer(const struct timer_state *timer, int32_t tid) {
    return tid ? timer->notify == TIMER_BY_THREAD && timer->tid == tid : timer->notify == TIMER_BY_SIGNAL;
}

static uint64_t without_timers(uint64_t pending, int32_t tid) {
    struct timer_state timer;
    for (uint32_t i = 0; pending && timers_state(i, &timer); i++)
        if (is_of_timer(&timer, tid))
            pending &= ~SIGNAL_BIT(timer.signal);
    return pending;
}

static uint64_t pending_for(int32_t tid) {
    for (const struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next)
        if (t->tid == tid)
            return gathered_signals(t).pending & ~pending_for_all();
    return 0;
}

static bool is_pending(const struct timer_state *timer, uint32_t index) {
    struct timer_state before;
    int32_t tid = timer->notify == TIMER_BY_THREAD ? timer->tid : 0;
    if (timer->notify == TIMER_TELLS_NOBODY ||
        !((tid ? pending_for(tid) : pending_for_all()) & SIGNAL_BIT(timer->signal)))
        return false;
    for (uint32_t i = 0; i < index && timers_state(i, &before); i++)
        if (before.signal == timer->signal && is_of_timer(&before, tid))
            return false;
    return true;
}

static bool stays(const struct timer_state *timer) {
    enum { OF_THREAD = 3 };
    return timer->clock < 0 || timer->clock == OF_THREAD;
}

bool has_lost_timer(void) {
    struct timer_state timer;
    for (uint32_t i = 0; timers_state(i, &timer); i++)
        if (stays(&timer))
            return true;
    return false;
}

/* Whom it tells is there no more. */
static bool tells_nobody(const struct timer_state *timer) {
    const struct popcorn_thread *t = popcorn_control()->threads;
    while (t && t->tid != timer->tid)
        t = t->next;
    return timer->notify == TIMER_BY_THREAD && !t;
}

void write_timers(struct stream *s) {
    struct timer_state timer;
    for (uint32_t i = 0; s->error == 0 && timers_state(i, &timer); i++) {
        if (stays(&timer))
            continue;
        struct checkpoint_posix_timer written = {.id = timer.id,
                                                 .clock = timer.clock,
                                                 .signal = timer.signal,
                                                 .notify =
                                                     tells_nobody(&timer) ? TIMER_TELLS_NOBODY : timer.notify,
                                                 .tid = timer.tid,
                                                 .overrun = timer.overrun,
                                                 .absolute = timer.absolute,
                                                 .pending = is_pending(&timer, i),
                                                 .value = timer.value,
                                                 .interval = timer.interval,
                                                 .left = timer.left};
        stream_put(s, CHECKPOINT_POSIX_TIMER, 0, &written, sizeof written);
    }
}

static struct checkpoint_process p;
static uint64_t all_pending;

uint64_t written_pending(void) {
    return all_pending;
}

void write_process(struct stream *s, bool program_inside, uint64_t program_size, const uint8_t digest[32]) {
    const struct popcorn_control *control = popcorn_control();
    int64_t stamp[CLOCK_STAMPS];
    clock_stamp(stamp);
    p = (struct checkpoint_process){.pid = control->seen_pid,
                                    .nthreads = control->nthreads,
                                    .program_inside = program_inside,
                                    .realtime = stamp[CLOCK_REALTIME],
                                    .monotonic = stamp[CLOCK_MONOTONIC],
                                    .data_start = (uint64_t)__popcorn_data_start,
                                    .data_end = (uint64_t)__popcorn_data_end,
                                    .program_size = program_size};
    all_pending = pending_for_all();
    p.pending = without_timers(all_pending, 0);
    p.umask = (uint32_t)KERNEL(NR_umask, 0);
    KERNEL(NR_umask, p.umask);
    for (int i = 0; i < CHECKPOINT_LIMITS; i++)
        KERNEL(NR_prlimit64, 0, i, 0, p.limit[i]);
    for (int i = 0; i < CHECKPOINT_TIMERS; i++)
        KERNEL(NR_getitimer, i, p.timer[i]);
    __builtin_memcpy(p.program_hash, digest, sizeof p.program_hash);
    __builtin_memcpy(p.program, control->program, sizeof p.program);
    KERNEL(NR_getcwd, p.directory, sizeof p.directory);
    stream_put(s, CHECKPOINT_PROCESS, 0, &p, sizeof p);
}

void write_threads(struct stream *s) {
    uint64_t shared = pending_for_all();
    for (const struct popcorn_thread *t = popcorn_control()->threads; t && s->error == 0; t = t->next) {
        struct gathered g = gathered_signals(t);
        struct checkpoint_thread thread = {
            .address = (uint64_t)t, .tid = t->tid, .mask = g.mask, .pending = g.pending & ~shared};
        thread.pending = without_timers(thread.pending, t->tid);
        stream_put(s, CHECKPOINT_THREAD, 0, &thread, sizeof thread);
    }
}

static long put_pages(uint64_t start, const char *bytes, uint64_t size, void *state) {
    struct stream *s = state;
    stream_put(s, CHECKPOINT_MEMORY, start, bytes, size);
    return s->error;
}

long write_memory(struct stream *s) {
    long r = memory_each_touched(put_pages, s);
    if (r && s->error == 0)
        s->error = r;
    return s->error;
}
