/* SPDX-License-Identifier: MIT */
/*
 * Checkpoints that the program makes of itself, as POPCORN_CHECKPOINT says: WHEN[,WHEN…][@DIRECTORY], with
 * every:TIME and on:SIGNAL. They are numbered; the last POPCORN_CHECKPOINT_KEEP are kept (2).
 */
#include <stdatomic.h>

#include "base/message.h"
#include "checkpoint/children.h"
#include "checkpoint/command.h"
#include "checkpoint/numbered.h"
#include "checkpoint/place.h"
#include "signal/signals.h"

#define EXIT_USAGE 2
#define SECOND 1000000000L
#define KEEP_DEFAULT 2
#define KEEP_MOST 1000

enum { SNAPSHOT = 1, STOP = 2 }; /* bits of `wanted` */

static int folder = -1;
static int64_t interval; /* nanoseconds; 0: none */
static uint64_t ends;    /* signals after which the program ends, too */
static uint32_t keep = KEEP_DEFAULT;
static _Atomic uint32_t wanted; /* a futex */

static const struct {
    const char *name;
    int number;
    bool ends;
} signals[] = {{"TERM", 15, true}, {"INT", 2, true},    {"HUP", 1, true},
               {"XCPU", 24, true}, {"USR1", 10, false}, {"USR2", 12, false}};

static _Noreturn void wrong(const char *what, const char *more) {
    char line[256];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, what);
    text_string(&t, more);
    popcorn_fatal(line, EXIT_USAGE);
}

/* "10m", "90s", "2h". */
static int64_t read_time(const char *s) {
    uint64_t value;
    s = text_read_number(s, &value);
    int64_t unit = text_equal(s, "s") ? 1 : text_equal(s, "m") ? 60 : text_equal(s, "h") ? 3600 : 0;
    return (int64_t)value * unit * SECOND;
}

static uint64_t read_when(const char *when) {
    if (text_begins(when, "every:")) {
        interval = read_time(when + 6);
        if (!interval)
            wrong("POPCORN_CHECKPOINT: every: wants a time such as 90s, 10m or 2h, not ", when + 6);
        return 0;
    }
    for (size_t i = 0; text_begins(when, "on:") && i < sizeof signals / sizeof *signals; i++)
        if (text_equal(when + 3, signals[i].name)) {
            ends |= signals[i].ends ? SIGNAL_BIT(signals[i].number) : 0;
            return SIGNAL_BIT(signals[i].number);
        }
    wrong("POPCORN_CHECKPOINT: WHEN must be every:TIME or on: TERM, INT, HUP, XCPU, USR1 or USR2, not ",
          when);
}

/* The signals that it wants. */
static uint64_t read_plan(const char *plan) {
    char word[64];
    uint64_t set = 0;
    for (bool more = true; more; plan++) {
        struct text t = text_begin(word, sizeof word);
        while (*plan && *plan != ',' && *plan != '@')
            text_bytes(&t, plan++, 1);
        set |= read_when(word);
        more = *plan == ',';
        if (!more)
            break;
    }
    const char *path = *plan == '@' ? plan + 1 : ".";
    folder = place_open_folder(path);
    if (folder < 0)
        wrong("POPCORN_CHECKPOINT: cannot open the directory ", path);
    return set;
}

/* It gets its name when it is on the disk; then older ones go. */
static bool keep_file(struct job *job) {
    char name[NUMBERED_NAME];
    long r = numbered_next(folder, name);
    if (r == 0)
        r = place_keep(job, folder, name);
    if (r) {
        job->answer(job, CHECKPOINT_FAILED, r, "it cannot be kept");
        return false;
    }
    numbered_remove_older(folder, name, keep);
    return job->flags & CHECKPOINT_STOP;
}

/* Of a program with children. */
static bool make_tree(bool stop) {
    char name[NUMBERED_NAME];
    if (!children_are_there() || numbered_next(folder, name))
        return false;
    bool done = command_write(folder, name, stop);
    numbered_remove_older(folder, name, keep);
    return done;
}

static void make_one(bool stop) {
    struct job job = {
        .flags = stop ? CHECKPOINT_STOP : 0, .answer = place_tell, .keep = keep_file, .socket = -1};
    numbered_clear(folder);
    if (make_tree(stop))
        return;
    while (!job_enter()) {
        struct kernel_time tick = {0, SECOND / 10};
        KERNEL(NR_nanosleep, &tick, 0);
    }
    long r = place_begin(&job, folder);
    if (r < 0)
        place_tell(&job, CHECKPOINT_FAILED, r, "its file cannot be made");
    else
        job_make(&job);
    place_end(&job, folder);
    job_leave();
}

static void run(uint64_t unused) {
    int64_t next = kernel_nanoseconds() + interval;
    (void)unused;
    for (;;) {
        int64_t left = next - kernel_nanoseconds();
        struct kernel_time patience = {left / SECOND, left % SECOND};
        if (left > 0 || !interval)
            KERNEL(NR_futex, &wanted, FUTEX_WAIT, 0, interval ? &patience : NULL);
        uint32_t asked = atomic_exchange(&wanted, 0);
        bool due = interval && kernel_nanoseconds() >= next;
        if (asked || due)
            make_one(asked & STOP);
        if (due)
            next = kernel_nanoseconds() + interval;
    }
}

static void came(int sig) {
    atomic_fetch_or(&wanted, ends & SIGNAL_BIT(sig) ? STOP : SNAPSHOT);
    KERNEL(NR_futex, &wanted, FUTEX_WAKE, 1);
}

void plan_start(char *const *environment) {
    const char *plan = text_variable(environment, "POPCORN_CHECKPOINT");
    const char *number = text_variable(environment, "POPCORN_CHECKPOINT_KEEP");
    uint64_t value;
    if (!plan || !*plan)
        return;
    if (number && (*text_read_number(number, &value) || value < 1 || value > KEEP_MOST))
        wrong("POPCORN_CHECKPOINT_KEEP: not a number from 1 to 1000: ", number);
    keep = number ? (uint32_t)value : KEEP_DEFAULT;
    uint64_t set = read_plan(plan);
    command_start(environment);
    if (!helper_start(run, 0))
        wrong("POPCORN_CHECKPOINT: no memory for its thread", "");
    signals_take(set, came);
}
