/* SPDX-License-Identifier: MIT */
/*
 * SIGSTOP and Ctrl-Z stop the origin's process; the program's threads on nodes stand still meanwhile, too.
 * Nobody says so: a node's service looks, as long as a thread is there, at what the kernel shows of the
 * origin, and makes the native threads of its process wait in a signal handler, whatever they are doing.
 * (Were the process itself stopped, it could not end with the origin.)
 */
#include "base/lock.h"
#include "base/text.h"
#include "node/internal.h"
#include "thread/native.h"

#define STATE_BYTES 64 /* of /proc/PID/stat: number, name of up to 15 bytes in parentheses, state */

static _Atomic uint32_t paused; /* a futex */
static _Atomic int64_t last;    /* when the program was seen to be stopped */

static struct native *workers; /* of this process */
static struct popcorn_lock workers_lock;

static long read_state(char line[STATE_BYTES]) {
    char path[32];
    struct text t = text_begin(path, sizeof path);
    text_string(&t, "/proc/");
    text_signed(&t, popcorn_control()->pid);
    text_string(&t, "/stat");
    int file = (int)KERNEL(NR_openat, AT_CWD, path, OPEN_RDONLY | OPEN_CLOEXEC, 0);
    if (file < 0)
        return file;
    long n = KERNEL(NR_read, file, line, STATE_BYTES);
    KERNEL(NR_close, file);
    return n;
}

static bool origin_stopped(void) {
    char line[STATE_BYTES];
    long n = read_state(line);
    while (n > 0 && line[n - 1] != ')')
        n--;
    return n > 0 && n + 1 < STATE_BYTES && line[n + 1] == 'T';
}

/* In any native thread but the service's. */
static void wait_for_origin(int sig, void *info, void *ucontext) {
    struct native *native = native_of_handler();
    (void)sig;
    (void)info;
    (void)ucontext;
    native->own_signals++;
    native->paused = true;
    while (atomic_load(&paused))
        bell_wait(&paused, 1, NODE_TICK);
    native->paused = false;
}

/* In a process without a service, by a timer. */
static void look_alone(int sig, void *info, void *ucontext) {
    const struct kernel_time tick = {0, NODE_TICK};
    (void)sig;
    (void)info;
    (void)ucontext;
    native_of_handler()->own_signals++;
    for (; origin_stopped(); atomic_store(&last, kernel_nanoseconds()))
        KERNEL(NR_nanosleep, &tick, 0);
}

void pause_start(void) {
    machine_sigaction(SIGNAL_USER2, wait_for_origin, ACTION_SIGINFO | ACTION_ONSTACK | ACTION_RESTART, 0);
}

void pause_alone(struct native *native) {
    const int64_t tick = NODE_TICK / 1000, timer[4] = {0, tick, 0, tick};
    workers = native;
    native->next_worker = NULL;
    atomic_store(&workers_lock.word, 0);
    machine_sigaction(SIGNAL_ALARM, look_alone, ACTION_SIGINFO | ACTION_ONSTACK | ACTION_RESTART, 0);
    KERNEL(NR_setitimer, 0, timer, 0);
}

void pause_enter(struct native *native) {
    lock_take(&workers_lock);
    native->next_worker = workers;
    workers = native;
    lock_release(&workers_lock);
}

void pause_leave(struct native *native) {
    struct native **at = &workers;
    lock_take(&workers_lock);
    while (*at != native)
        at = &(*at)->next_worker;
    *at = native->next_worker;
    lock_release(&workers_lock);
}

static void call_workers(void) {
    long pid = KERNEL(NR_getpid);
    lock_take(&workers_lock);
    for (struct native *native = workers; native; native = native->next_worker)
        if (!native->paused)
            KERNEL(NR_tgkill, pid, native->tid, SIGNAL_USER2);
    lock_release(&workers_lock);
}

int64_t pause_look(bool thread_here) {
    static int64_t next;
    int64_t now = kernel_nanoseconds(), tick = thread_here ? NODE_TICK : NODE_SLOW_TICK;
    if (now < next)
        return next - now;
    next = now + tick;
    if (thread_here && origin_stopped()) {
        atomic_store(&last, now);
        atomic_store(&paused, 1);
        call_workers();
    } else if (atomic_exchange(&paused, 0)) {
        KERNEL(NR_futex, &paused, FUTEX_WAKE, 0x7fffffff);
    }
    return tick;
}

bool pause_patience_ends(int64_t end) {
    int64_t now = kernel_nanoseconds();
    return now > end && now > atomic_load(&last) + NODE_PATIENCE;
}
