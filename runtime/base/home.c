/* SPDX-License-Identifier: MIT */
/* A process before it has a carrier. */
#include "base/home.h"
#include "base/kernel.h"

static long call(struct popcorn_thread *thread, long number, const long argument[6]) {
    (void)thread;
    (void)number;
    (void)argument;
    return -E_NOSYS;
}

static void take_signal(struct popcorn_thread *thread, struct interrupted *at) {
    (void)thread;
    (void)at;
}

static void nothing(void) {}

static void forget(uint64_t address, size_t size, bool all) {
    (void)all;
    (void)address;
    (void)size;
}

static bool halt(void) {
    return true;
}

static bool away(const struct popcorn_thread *thread) {
    (void)thread;
    return false;
}

static int no_fork(struct popcorn_thread *thread, int memory) {
    (void)thread;
    (void)memory;
    return -E_AGAIN;
}

static void leave_alone(struct popcorn_thread *thread) {
    (void)thread;
}

static enum home_forwarding forward_signal(struct popcorn_thread *thread, int sig,
                                           const struct signal_action *action, const void *info,
                                           uint64_t *mask) {
    (void)thread;
    (void)sig;
    (void)action;
    (void)info;
    (void)mask;
    return HOME_RUN_HERE;
}

static bool never_lost(uint64_t address) {
    (void)address;
    return false;
}

static void unpin(struct popcorn_thread *thread, int pinned) {
    thread->pinned = pinned;
}

static const struct home alone = {
    .call = call,
    .take_signal = take_signal,
    .end = nothing,
    .forget = forget,
    .look = nothing,
    .wake = leave_alone,
    .halt = halt,
    .release = nothing,
    .away = away,
    .fork = no_fork,
    .fork_end = nothing,
    .forked = nothing,
    .thread_ends = leave_alone,
    .forward_signal = forward_signal,
    .lost = never_lost,
    .unpin = unpin,
};

const struct home *home = &alone;
bool home_here = true;
bool home_machines;
