/* SPDX-License-Identifier: MIT */
/* Timers of timer_create(): read, made when the threads are there, and let run with them. */
#include "checkpoint/restore.h"
#include "signal/signals.h"
#include "signal/timers.h"

#define MOST 65536
#define CODE_TIMER (-2) /* SI_TIMER */

static struct checkpoint_posix_timer *timer; /* by their ids: in that order the kernel gives them anew */
static uint32_t timers;

static bool is_sound(const struct checkpoint_posix_timer *t) {
    bool tells = t->notify == TIMER_BY_SIGNAL || t->notify == TIMER_BY_THREAD;
    return t->id >= 0 && t->clock >= 0 && t->interval >= 0 && t->left >= 0 && t->overrun >= 0 &&
           (tells ? t->signal > 0 && t->signal < SIGNAL_COUNT
                  : t->notify == TIMER_TELLS_NOBODY && !t->pending);
}

void restore_timer(const void *bytes, uint64_t size) {
    struct checkpoint_posix_timer one;
    if (!timer)
        timer = private_memory(MOST * sizeof *timer);
    if (!timer)
        restart_fail("no memory", "", 0);
    if (size != sizeof one || timers == MOST)
        restart_fail("it is damaged", "", 0);
    __builtin_memcpy(&one, bytes, sizeof one);
    if (!is_sound(&one))
        restart_fail("it is damaged", "", 0);
    uint32_t at = timers++;
    for (; at && timer[at - 1].id > one.id; at--)
        timer[at] = timer[at - 1];
    timer[at] = one;
}

static struct timer_state state_of(const struct checkpoint_posix_timer *t) {
    return (struct timer_state){.id = t->id,
                                .clock = t->clock,
                                .signal = t->signal,
                                .notify = t->notify,
                                .tid = t->tid,
                                .overrun = t->overrun,
                                .absolute = t->absolute,
                                .value = t->value,
                                .interval = t->interval,
                                .left = t->left};
}

void restore_timers_make(void) {
    for (uint32_t i = 0; i < timers; i++) {
        struct timer_state state = state_of(&timer[i]);
        long r = timers_restore(&state);
        if (r)
            restart_fail("a timer cannot be made", "", r);
    }
}

/* The signal that waited. */
static void raise(const struct checkpoint_posix_timer *t) {
    struct {
        int32_t signal, error, code, reserved;
        int32_t id, overrun;
        uint64_t value;
        uint64_t rest[12];
    } info = {t->signal, 0, CODE_TIMER, 0, t->id, t->overrun, t->value, {0}};
    long pid = KERNEL(NR_getpid);
    if (t->notify == TIMER_BY_SIGNAL)
        KERNEL(NR_rt_sigqueueinfo, pid, t->signal, &info);
    for (const struct popcorn_thread *thread = popcorn_control()->threads; thread; thread = thread->next)
        if (t->notify == TIMER_BY_THREAD && thread->tid == t->tid)
            KERNEL(NR_rt_tgsigqueueinfo, pid, thread->kernel_tid, t->signal, &info);
}

void restore_timers_run(int64_t realtime) {
    for (uint32_t i = 0; i < timers; i++) {
        struct timer_state state = state_of(&timer[i]);
        timers_run(&state, realtime);
        if (timer[i].pending)
            raise(&timer[i]);
    }
    if (timer)
        KERNEL(NR_munmap, timer, MOST * sizeof *timer);
}
