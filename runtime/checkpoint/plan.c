/* SPDX-License-Identifier: MIT */
/*
 * Checkpoints that the program makes of itself, as POPCORN_CHECKPOINT says: WHEN[,WHEN…][@DIRECTORY], with
 * every:TIME and on:SIGNAL. They are numbered; the last POPCORN_CHECKPOINT_KEEP are kept (2).
 */
#include <stdatomic.h>

#include "base/message.h"
#include "checkpoint/children.h"
#include "checkpoint/command.h"
#include "checkpoint/place.h"
#include "signal/signals.h"

#define EXIT_USAGE 2
#define SECOND 1000000000L
#define KEEP_DEFAULT 2
#define KEEP_MOST 1000
#define NAME "checkpoint-"
#define DIGITS 10
#define LIST_SIZE 32768

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

/*
 * Reading the plan.
 */

static _Noreturn void wrong(const char *what, const char *more) {
    char line[256];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, what);
    text_string(&t, more);
    popcorn_fatal(line, EXIT_USAGE);
}

/* Digits; where they end. */
static const char *read_number(const char *s, int64_t *value) {
    *value = 0;
    while (*s >= '0' && *s <= '9' && *value < 1000000000)
        *value = 10 * *value + (*s++ - '0');
    return s;
}

/* "10m", "90s", "2h". */
static int64_t read_time(const char *s) {
    int64_t value;
    s = read_number(s, &value);
    int64_t unit = text_equal(s, "s") ? 1 : text_equal(s, "m") ? 60 : text_equal(s, "h") ? 3600 : 0;
    return value * unit * SECOND;
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

/*
 * The files.
 */

static struct text file_name(char *name, size_t size, uint64_t number) {
    struct text t = text_begin(name, size);
    text_string(&t, NAME);
    for (uint64_t unit = 1000000000; unit; unit /= 10)
        text_bytes(&t, &"0123456789"[number / unit % 10], 1);
    return t;
}

/* The number of a checkpoint's name, or 0. */
static uint64_t number_of(const char *name) {
    int64_t number;
    if (!text_begins(name, NAME))
        return 0;
    const char *digits = name + sizeof NAME - 1, *end = read_number(digits, &number);
    return *end || end - digits != DIGITS ? 0 : (uint64_t)number;
}

/* What the command writes, until it is whole. */
static bool is_commands(const char *name) {
    int64_t number;
    if (!text_begins(name, NAME))
        return false;
    const char *digits = name + sizeof NAME - 1, *end = read_number(digits, &number);
    return *end == '.' && end - digits == DIGITS;
}

/* Lowest and highest number in the folder, and how many there are. */
struct numbers {
    uint64_t lowest, highest;
    uint32_t count;
};

static struct numbers look_at_folder(void) {
    static char list[LIST_SIZE];
    struct numbers found = {0};
    long n;
    KERNEL(NR_lseek, folder, 0, SEEK_FROM_START);
    while ((n = KERNEL(NR_getdents64, folder, list, sizeof list)) > 0)
        for (long at = 0; at < n;) {
            const char *entry = list + at;
            const char *name = entry + 19; /* behind inode, offset, size and type */
            uint64_t number = number_of(name);
            if (place_is_temporary(name) || is_commands(name))
                place_clear(folder, name);
            if (number) {
                found.lowest = !found.count || number < found.lowest ? number : found.lowest;
                found.highest = number > found.highest ? number : found.highest;
                found.count++;
            }
            at += (uint8_t)entry[16] | (uint8_t)entry[17] << 8;
        }
    return found;
}

static void remove_older(void) {
    char name[32];
    for (struct numbers now; now = look_at_folder(), now.count > keep;) {
        file_name(name, sizeof name, now.lowest);
        if (KERNEL(NR_unlinkat, folder, name, 0))
            break;
    }
}

/* It gets its name when it is on the disk; then older ones go. */
static bool keep_file(struct job *job) {
    char name[32];
    file_name(name, sizeof name, look_at_folder().highest + 1);
    long r = place_keep(job, folder, name);
    if (r) {
        job->answer(job, CHECKPOINT_FAILED, r, "it cannot be kept");
        return false;
    }
    remove_older();
    return job->flags & CHECKPOINT_STOP;
}

/* Of a program with children. */
static bool make_tree(bool stop) {
    char name[32];
    if (!children_are_there())
        return false;
    file_name(name, sizeof name, look_at_folder().highest + 1);
    bool done = command_write(folder, name, stop);
    remove_older();
    return done;
}

static void make_one(bool stop) {
    struct job job = {
        .flags = stop ? CHECKPOINT_STOP : 0, .answer = place_tell, .keep = keep_file, .socket = -1};
    if (make_tree(stop))
        return;
    while (!job_enter()) {
        struct kernel_time tick = {0, SECOND / 10};
        KERNEL(NR_nanosleep, &tick, 0);
    }
    look_at_folder(); /* and remove what killed programs have left */
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
    int64_t value;
    if (!plan || !*plan)
        return;
    if (number && (*read_number(number, &value) || value < 1 || value > KEEP_MOST))
        wrong("POPCORN_CHECKPOINT_KEEP: not a number from 1 to 1000: ", number);
    keep = number ? (uint32_t)value : KEEP_DEFAULT;
    uint64_t set = read_plan(plan);
    command_start(environment);
    if (!helper_start(run, 0))
        wrong("POPCORN_CHECKPOINT: no memory for its thread", "");
    signals_take(set, came);
}
