/* SPDX-License-Identifier: MIT */
#include "syscall/wait.h"

#include "base/clock.h"
#include "base/home.h"
#include "memory/memory.h"
#include "signal/signals.h"


/* Has nothing but signals of the run time's own come since? Then the program must not see the interruption.
 */
struct interruptions {
    uint64_t own, program;
};

static struct interruptions interruptions_now(const struct native *native) {
    return (struct interruptions){native->own_signals, native->program_signals};
}

static bool only_own(struct interruptions before, const struct native *native) {
    return native->own_signals != before.own && native->program_signals == before.program;
}

/*
 * Stopping. While a native thread waits in a call that may be stopped, `stoppable` is set, and the handler of
 * the run time's signal ends the call as the one of pthread_cancel does (machine.h).
 */

bool wait_may_stop(struct native *native, const struct popcorn_thread *thread) {
    bool before = native->may_stop;
    native->may_stop = !thread->pinned && !native->vfork_child;
    return before;
}

static bool is_called(const struct native *native) {
    return native->may_stop && __atomic_load_n(&native->thread->request, __ATOMIC_RELAXED) >= 0;
}

/* The system call; -EINTR also if the thread is called to a point before it has had an effect. */
static long call_kernel(struct native *native, long number, const long a[6]) {
    if (!native->may_stop)
        return machine_generic_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    _Atomic uint64_t *cancel = (_Atomic uint64_t *)((char *)machine_thread_pointer() + POPCORN_TCB_CANCEL);
    uint64_t before = atomic_load(cancel), interrupted = POPCORN_CANCEL_INTERRUPTED;
    long r = -E_INTR;
    native->woken = false;
    native->stoppable = true;
    if (is_called(native))
        native->own_signals++;
    else
        r = machine_generic_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    native->stoppable = false;
    if (native->woken && before != POPCORN_CANCEL_INTERRUPTED)
        atomic_compare_exchange_strong(cancel, &interrupted, before);
    return r;
}

enum outcome { DONE, AGAIN, STOPPED };

/* What becomes of a call that has come back. */
static enum outcome outcome(struct interruptions before, const struct native *native, long result) {
    if (result != -E_INTR || !only_own(before, native))
        return DONE;
    return is_called(native) ? STOPPED : AGAIN;
}

long wait_for_call(long number, const long argument[6]) {
    struct native *native = native_self();
    for (;;) {
        struct interruptions before = interruptions_now(native);
        long r = call_kernel(native, number, argument);
        enum outcome o = outcome(before, native, r);
        if (o != AGAIN)
            return o == STOPPED ? POPCORN_CALL_STOPPED : r;
    }
}

/*
 * Time limits. What is left of one lasts from when its call is stopped until the same caller makes the same
 * call again.
 */

static uint64_t caller_of(const struct popcorn_thread *thread) {
    return *(const uint64_t *)((const char *)thread->tcb + POPCORN_TCB_DATA_STACK);
}

/* When the wait ends, of one that the caller wants to last so long. */
static int64_t end_of_wait(struct popcorn_thread *thread, long number, int64_t wanted) {
    struct popcorn_wait *wait = &thread->wait;
    bool again = wait->place == caller_of(thread) && wait->number == number && wait->left <= wanted;
    wait->place = 0;
    return kernel_nanoseconds() + (again ? wait->left : wanted);
}

static int64_t left_until(int64_t end) {
    int64_t left = end - kernel_nanoseconds();
    return left > 0 ? left : 0;
}

static long stop_until(struct popcorn_thread *thread, long number, int64_t end) {
    thread->wait.place = caller_of(thread);
    thread->wait.number = number;
    thread->wait.left = left_until(end);
    return POPCORN_CALL_STOPPED;
}

/* A call whose argument `at` is a time limit, a struct of the kernel's. */
static long wait_limited(long number, const long a[6], int at) {
    struct native *native = native_self();
    struct popcorn_thread *thread = native->thread;
    struct kernel_time limit;
    long call[6] = {a[0], a[1], a[2], a[3], a[4], a[5]};
    if (!a[at])
        return wait_for_call(number, a);
    if (machine_from_user(&limit, (const void *)a[at], sizeof limit))
        return -E_FAULT;
    if (!clock_is_time(&limit))
        return wait_for_call(number, a); /* it is the kernel that says no */
    int64_t end = end_of_wait(thread, number, clock_nanoseconds_of(&limit));
    call[at] = (long)&limit;
    for (;;) {
        struct interruptions before = interruptions_now(native);
        limit = clock_time_of(left_until(end));
        long r = call_kernel(native, number, call);
        enum outcome o = outcome(before, native, r);
        if (o != AGAIN)
            return o == STOPPED ? stop_until(thread, number, end) : r;
    }
}

/* CLOCK_MONOTONIC, as the program sees it, may be ahead of the kernel's: after a restart from a checkpoint.
 */
static long sleep_until(const long a[6]) {
    struct kernel_time time;
    long call[6] = {a[0], a[1], a[2], a[3]};
    int64_t ahead = clock_ahead(a[0]);
    if (ahead && machine_from_user(&time, (const void *)a[2], sizeof time))
        return -E_FAULT;
    if (ahead) {
        clock_take_back(&time, ahead);
        call[2] = (long)&time;
    }
    return wait_for_call(NR_clock_nanosleep, call);
}

long wait_sleep(long number, const long a[6]) {
    struct native *native = native_self();
    struct popcorn_thread *thread = native->thread;
    bool clock = number == NR_clock_nanosleep;
    int at = clock ? 2 : 0;
    struct kernel_time request, left = {0, 0}, *program_left = (struct kernel_time *)a[at + 1];
    long call[6] = {a[0], a[1], (long)&request, (long)&left};
    if (clock && a[1] & TIMER_ABSTIME)
        return sleep_until(a);
    if (machine_from_user(&request, (const void *)a[at], sizeof request))
        return -E_FAULT;
    if (!clock_is_time(&request))
        return -E_INVAL;
    int64_t end = end_of_wait(thread, number, clock_nanoseconds_of(&request));
    if (!clock) {
        call[0] = (long)&request;
        call[1] = (long)&left;
    }
    for (;;) {
        struct interruptions before = interruptions_now(native);
        request = clock_time_of(left_until(end));
        long r = call_kernel(native, number, call);
        enum outcome o = outcome(before, native, r);
        if (o == STOPPED)
            return stop_until(thread, number, end);
        if (o == AGAIN)
            continue;
        if (r == -E_INTR && program_left && machine_to_user(program_left, &left, sizeof left))
            return -E_FAULT;
        return r;
    }
}

/*
 * Handlers that run while a thread is on its way to the point and back: had the call waited all the time,
 * they would have interrupted it.
 */

/* signal(7): calls that SA_RESTART does not make go on. */
static bool never_restarts(long number) {
    switch (number) {
    case NR_ppoll:
    case NR_pselect6:
    case NR_epoll_pwait:
    case NR_nanosleep:
    case NR_clock_nanosleep:
    case NR_rt_sigsuspend:
    case NR_rt_sigtimedwait:
    case NR_semtimedop:
    case NR_semop:
    case NR_msgsnd:
    case NR_msgrcv:
        return true;
    }
    return false;
}

/* What is left of a sleep: all of it, if it has not begun. */
static long sleep_has_ended(const struct popcorn_thread *thread, long number, const long a[6]) {
    bool clock = number == NR_clock_nanosleep;
    long request = a[clock ? 2 : 0], rest = a[clock ? 3 : 1];
    struct kernel_time left = clock_time_of(thread->wait.left);
    if ((number != NR_nanosleep && !clock) || (clock && a[1] & TIMER_ABSTIME) || !rest)
        return -E_INTR;
    bool begun = thread->wait.place && thread->wait.number == number;
    if (!begun && machine_from_user(&left, (const void *)request, sizeof left))
        return -E_FAULT;
    return machine_to_user((void *)rest, &left, sizeof left) ? -E_FAULT : -E_INTR;
}

bool wait_has_ended(struct popcorn_thread *thread, long number, const long argument[6], long *result) {
    enum popcorn_handled handled = thread->wait.handled;
    long call = number & ~(POPCORN_CALL_MAY_STOP | POPCORN_CALL_AGAIN);
    if (!(number & POPCORN_CALL_MAY_STOP) || thread->pinned)
        return false;
    thread->wait.handled = POPCORN_HANDLED_NONE;
    if (!(number & POPCORN_CALL_AGAIN) || handled == POPCORN_HANDLED_NONE)
        return false;
    if (handled == POPCORN_HANDLED_RESTART && !never_restarts(call))
        return false;
    *result = sleep_has_ended(thread, call, argument);
    return true;
}

/*
 * Futexes.
 */

static bool cancelled(const struct popcorn_thread *thread) {
    return *(const volatile uint64_t *)((char *)thread->tcb + POPCORN_TCB_CANCEL) ==
           POPCORN_CANCEL_INTERRUPTED;
}

/* On a node the kernel knows nothing of the program's SA_RESTART. */
static long futex_on_node(struct native *native, const long call[6]) {
    for (;;) {
        native->restart = true;
        long r = wait_for_call(NR_futex, call);
        if (r != -E_INTR || !native->restart || cancelled(native->thread))
            return r;
    }
}

/* Waiters may be in several processes: no futex is private. But with machines all wait at the origin, and
 * only what is private works in memory that is not of a file. */
static long futex_operation(const long a[6]) {
    long shared = a[1] & ~FUTEX_PRIVATE;
    return home_machines && !memory_of_file((uint64_t)a[0]) ? shared | FUTEX_PRIVATE : shared;
}

long wait_futex(const long a[6]) {
    const long call[6] = {a[0], futex_operation(a), a[2], a[3], a[4], a[5]};
    bool limited = (call[1] & FUTEX_COMMAND) == FUTEX_WAIT && a[3];
    if (!a[3] && !home_here)
        return futex_on_node(native_self(), call);
    return limited ? wait_limited(NR_futex, call, 3) : wait_for_call(NR_futex, call);
}

/*
 * Signal masks.
 */

static long allow(uint64_t *mask, long given) {
    if (machine_from_user(mask, (const void *)given, sizeof *mask))
        return -E_FAULT;
    *mask = signals_allowed(*mask);
    return 0;
}

/* (ppoll counts its time limit down where the program has it.) */
long wait_with_mask(long number, const long a[6], int at, long size) {
    uint64_t mask;
    long call[6] = {a[0], a[1], a[2], a[3], a[4], a[5]};
    if (a[at] && size == 8) {
        if (allow(&mask, a[at]))
            return -E_FAULT;
        call[at] = (long)&mask;
    }
    return wait_for_call(number, call);
}

long wait_signal(const long a[6]) {
    uint64_t mask;
    long call[6] = {a[0], a[1], a[2], a[3]};
    if (a[0] && a[3] == 8) {
        if (allow(&mask, a[0]))
            return -E_FAULT;
        call[0] = (long)&mask;
    }
    return wait_limited(NR_rt_sigtimedwait, call, 2);
}

long wait_select(const long a[6]) {
    uint64_t given[2], mask;
    long call[6] = {a[0], a[1], a[2], a[3], a[4], a[5]};
    if (a[5]) {
        if (machine_from_user(given, (const void *)a[5], sizeof given))
            return -E_FAULT;
        if (given[0] && given[1] == 8) {
            if (allow(&mask, (long)given[0]))
                return -E_FAULT;
            given[0] = (uint64_t)&mask;
        }
        call[5] = (long)given;
    }
    return wait_for_call(NR_pselect6, call);
}

#define MILLISECOND 1000000L

long wait_epoll(const long a[6]) {
    struct native *native = native_self();
    struct popcorn_thread *thread = native->thread;
    uint64_t mask;
    long call[6] = {a[0], a[1], a[2], a[3], a[4], a[5]};
    if (a[4] && a[5] == 8) {
        if (allow(&mask, a[4]))
            return -E_FAULT;
        call[4] = (long)&mask;
    }
    if ((int)a[3] <= 0)
        return wait_for_call(NR_epoll_pwait, call);
    int64_t end = end_of_wait(thread, NR_epoll_pwait, (int)a[3] * MILLISECOND);
    for (;;) {
        struct interruptions before = interruptions_now(native);
        call[3] = (left_until(end) + MILLISECOND - 1) / MILLISECOND;
        long r = call_kernel(native, NR_epoll_pwait, call);
        enum outcome o = outcome(before, native, r);
        if (o != AGAIN)
            return o == STOPPED ? stop_until(thread, NR_epoll_pwait, end) : r;
    }
}
