/* SPDX-License-Identifier: MIT */
#include "signal/timers.h"
#include "base/clock.h"
#include "base/kernel.h"
#include "popcorn/control.h"
#include "signal/signals.h"
#include "thread/native.h"
#include "thread/threads.h"

#define TIMERS_MOST 65536
#define NEAR 65536 /* ids that are tried to get the one that is wanted */
#define ABSOLUTE 1 /* TIMER_ABSTIME */

/* struct sigevent. */
struct event {
    uint64_t value;
    int32_t signal, notify, tid;
    int32_t rest[11];
};

struct setting {
    struct kernel_time interval, left;
};

struct timer {
    bool used, absolute;
    int32_t id, kernel; /* the program's, the kernel's */
    int32_t clock;
    struct event event; /* its thread as the program sees it */
    int32_t overrun;    /* from before a restart, */
    int64_t until;      /* which holds until a signal may have come: kernel_nanoseconds() */
};

/* Under the lock of the list of threads, which a fork takes, too. */
static struct timer *table; /* TIMERS_MOST; NULL until there is one */
static uint32_t ends;       /* all behind this are unused */
static int32_t owner;       /* the process that has them: no child of a fork does */

static void begin(void) {
    threads_lock();
    if (owner != popcorn_control()->pid)
        ends = 0;
    owner = popcorn_control()->pid;
}

static struct timer *find(int32_t id) {
    for (uint32_t i = 0; i < ends; i++)
        if (table[i].used && table[i].id == id)
            return &table[i];
    return NULL;
}

static struct timer *make_room(void) {
    if (!table) {
        long r = KERNEL(NR_mmap, 0, TIMERS_MOST * sizeof *table, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        table = r < 0 && r >= -4095 ? NULL : (struct timer *)r;
    }
    uint32_t i = 0;
    while (i < ends && table[i].used)
        i++;
    if (!table || i == TIMERS_MOST)
        return NULL;
    if (i == ends)
        ends++;
    table[i] = (struct timer){0};
    return &table[i];
}

static int32_t kernel_tid(int32_t seen) {
    for (const struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next)
        if (t->tid == seen)
            return t->kernel_tid;
    return seen;
}

static long make(const struct timer *t, int32_t *id) {
    struct event event = t->event;
    if (event.notify == TIMER_BY_THREAD)
        event.tid = kernel_tid(event.tid);
    return KERNEL(NR_timer_create, t->clock, &event, id);
}

/* The lowest number that is no timer's, if the kernel's is that of one from before a restart. */
static int32_t choose_id(int32_t kernel) {
    if (!find(kernel))
        return kernel;
    int32_t id = 0;
    while (find(id))
        id++;
    return id;
}

long timers_create(long clock, const void *event, int32_t *id) {
    struct timer made = {.used = true, .clock = (int32_t)clock, .event.signal = SIGNAL_ALARM};
    if (native_self()->vfork_child)
        return KERNEL(NR_timer_create, clock, event, id);
    if (event && machine_from_user(&made.event, event, sizeof made.event))
        return -E_FAULT;
    begin();
    struct timer *t = make_room();
    long r = !t      ? -E_AGAIN
             : event ? make(&made, &made.kernel)
                     : KERNEL(NR_timer_create, clock, NULL, &made.kernel);
    if (r == 0) {
        made.id = choose_id(made.kernel);
        if (!event)
            made.event.value = (uint32_t)made.kernel; /* the kernel's choice */
        *t = made;
    }
    threads_unlock();
    if (r == 0 && machine_to_user(id, &made.id, sizeof made.id)) {
        timers_delete(made.id);
        return -E_FAULT;
    }
    return r;
}

long timers_set(int32_t id, long flags, const void *time, void *old) {
    struct setting wanted, before;
    if (!time)
        return -E_INVAL;
    if (machine_from_user(&wanted, time, sizeof wanted))
        return -E_FAULT;
    begin();
    struct timer *t = find(id);
    if (t && flags & ABSOLUTE)
        clock_take_back(&wanted.left, clock_ahead(t->clock));
    long r = KERNEL(NR_timer_settime, t ? t->kernel : -1, flags, &wanted, &before);
    if (t && r == 0) {
        t->absolute = flags & ABSOLUTE;
        t->overrun = 0;
    }
    threads_unlock();
    return r == 0 && old && machine_to_user(old, &before, sizeof before) ? -E_FAULT : r;
}

long timers_get(int32_t id, void *time) {
    struct setting now;
    begin();
    const struct timer *t = find(id);
    long r = KERNEL(NR_timer_gettime, t ? t->kernel : -1, &now);
    threads_unlock();
    return r == 0 && machine_to_user(time, &now, sizeof now) ? -E_FAULT : r;
}

static long overrun_of(const struct timer *t) {
    if (t && t->overrun && kernel_nanoseconds() < t->until)
        return t->overrun;
    return KERNEL(NR_timer_getoverrun, t ? t->kernel : -1);
}

long timers_overrun(int32_t id) {
    begin();
    long r = overrun_of(find(id));
    threads_unlock();
    return r;
}

long timers_delete(int32_t id) {
    begin();
    struct timer *t = find(id);
    long r = KERNEL(NR_timer_delete, t ? t->kernel : -1);
    if (t && r == 0)
        t->used = false;
    threads_unlock();
    return r;
}

/*
 * Checkpoints.
 */

bool timers_state(uint32_t index, struct timer_state *state) {
    struct setting now = {0};
    const struct timer *t = NULL;
    begin();
    for (uint32_t i = 0; i < ends; i++)
        if (table[i].used && index-- == 0) {
            t = &table[i];
            break;
        }
    if (t) {
        KERNEL(NR_timer_gettime, t->kernel, &now);
        long overrun = overrun_of(t);
        *state = (struct timer_state){.id = t->id,
                                      .clock = t->clock,
                                      .signal = t->event.signal,
                                      .notify = t->event.notify,
                                      .tid = t->event.tid,
                                      .overrun = overrun > 0 ? (int32_t)overrun : 0,
                                      .absolute = t->absolute,
                                      .value = t->event.value,
                                      .interval = clock_nanoseconds_of(&now.interval),
                                      .left = clock_nanoseconds_of(&now.left)};
    }
    threads_unlock();
    return t;
}

/*
 * The id is the kernel's own if that can be: a signal tells it, too. A process counts them up; under an
 * emulator they are others.
 */
static long make_near(struct timer *t) {
    long r = make(t, &t->kernel);
    for (int32_t first = t->kernel, last = first - 1;
         r == 0 && t->kernel > last && t->kernel < t->id && t->id - first <= NEAR;) {
        last = t->kernel;
        KERNEL(NR_timer_delete, last);
        r = make(t, &t->kernel);
    }
    return r;
}

long timers_restore(const struct timer_state *s) {
    struct timer made = {.used = true,
                         .absolute = s->absolute,
                         .id = s->id,
                         .clock = s->clock,
                         .event = {s->value, s->signal, s->notify, s->tid, {0}},
                         .overrun = s->overrun,
                         .until = INT64_MAX};
    begin();
    struct timer *t = find(s->id) ? NULL : make_room();
    long r = t ? make_near(&made) : -E_INVAL;
    if (r == 0)
        *t = made;
    threads_unlock();
    return r;
}

/* One that was set to a time of day ends then, however long nobody ran. */
static int64_t left_of(const struct timer_state *s, int64_t realtime) {
    enum { OF_DAY = 0, OF_DAY_WAKES = 8, ATOMIC = 11 };
    struct kernel_time now;
    if (!s->left || !s->absolute || (s->clock != OF_DAY && s->clock != OF_DAY_WAKES && s->clock != ATOMIC))
        return s->left;
    KERNEL(NR_clock_gettime, OF_DAY, &now);
    int64_t left = s->left - (clock_nanoseconds_of(&now) - realtime);
    return left > 0 ? left : 1;
}

long timers_run(const struct timer_state *s, int64_t realtime) {
    int64_t left = left_of(s, realtime);
    struct setting setting = {clock_time_of(s->interval), clock_time_of(left)};
    begin();
    struct timer *t = find(s->id);
    long r = t ? KERNEL(NR_timer_settime, t->kernel, 0, &setting, 0) : -E_INVAL;
    if (r == 0 && left)
        t->until = kernel_nanoseconds() + left;
    threads_unlock();
    return r;
}
