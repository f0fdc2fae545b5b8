/* SPDX-License-Identifier: MIT */
#include "syscall/syscall.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/home.h"
#include "checkpoint/checkpoint.h"
#include "memory/memory.h"
#include "node/nodes.h"
#include "popcorn/control.h"
#include "popcorn/migration.h"
#include "popcorn/query.h"
#include "popcorn/stack.h"
#include "signal/signals.h"
#include "signal/timers.h"
#include "syscall/cpu_time.h"
#include "syscall/identity.h"
#include "syscall/wait.h"
#include "thread/native.h"
#include "thread/threads.h"

static long kernel(long number, const long a[6]) {
    return machine_generic_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long process_id(void) {
    return native_self()->vfork_child ? KERNEL(NR_getpid) : popcorn_control()->seen_pid;
}

static long thread_id(const struct popcorn_thread *thread) {
    return native_self()->vfork_child ? KERNEL(NR_gettid) : thread->tid;
}

/* Of all processes of the program, if there are several. */
static long memory_barrier(const long a[6]) {
    bool expedited = a[0] == BARRIER_PRIVATE_EXPEDITED && popcorn_control()->shared;
    return KERNEL(NR_membarrier, expedited ? BARRIER_GLOBAL : a[0], a[1], a[2]);
}

static long raw_clone(const long a[6]) {
    return a[0] & (CLONE_VM | CLONE_THREAD) || a[1] ? -E_NOSYS : threads_fork();
}

/* Memory: all of it is managed here. */
static bool memory_call(long number, const long a[6], long *result) {
    switch (number) {
    case NR_mmap:
        *result = memory_mmap((uint64_t)a[0], (size_t)a[1], (int)a[2], (int)a[3], (int)a[4], (uint64_t)a[5]);
        return true;
    case NR_munmap:
        *result = memory_munmap((uint64_t)a[0], (size_t)a[1]);
        return true;
    case NR_mprotect:
        *result = memory_mprotect((uint64_t)a[0], (size_t)a[1], (int)a[2]);
        return true;
    case NR_mremap:
        *result = memory_mremap((uint64_t)a[0], (size_t)a[1], (size_t)a[2], (int)a[3], (uint64_t)a[4]);
        return true;
    case NR_madvise:
        *result = memory_madvise((uint64_t)a[0], (size_t)a[1], (int)a[2]);
        return true;
    case NR_shmat:
        *result = memory_shmat((int)a[0], (uint64_t)a[1], (int)a[2]);
        return true;
    case NR_shmdt:
        *result = memory_shmdt((uint64_t)a[0]);
        return true;
    case NR_brk: /* musl's malloc then uses mmap alone */
        *result = -E_NOMEM;
        return true;
    }
    return false;
}

static bool signal_call(long number, const long a[6], long *result) {
    switch (number) {
    case NR_rt_sigaction:
        *result = signals_action((int)a[0], (const void *)a[1], (void *)a[2], (size_t)a[3]);
        return true;
    case NR_rt_sigprocmask:
        *result = signals_mask((int)a[0], (const void *)a[1], (void *)a[2], (size_t)a[3]);
        return true;
    case NR_sigaltstack:
        *result = signals_alternate((const void *)a[0], (void *)a[1]);
        return true;
    case NR_rt_sigsuspend:
        *result = wait_with_mask(number, a, 0, a[1]);
        return true;
    case NR_rt_sigtimedwait:
        *result = wait_signal(a);
        if (*result > 0)
            *result = identity_translate_info((void *)a[1], *result);
        return true;
    case NR_ppoll:
        *result = wait_with_mask(number, a, 3, a[4]);
        return true;
    case NR_epoll_pwait:
        *result = wait_epoll(a);
        return true;
    case NR_epoll_pwait2:
        *result = wait_with_mask(number, a, 4, a[5]);
        return true;
    case NR_signalfd4:
        *result = wait_with_mask(number, a, 1, a[2]);
        return true;
    case NR_pselect6:
        *result = wait_select(a);
        return true;
    }
    return false;
}

/* What the nodes' processes have attached is not the program's. */
static long segment_control(const long a[6]) {
    uint64_t *attached = &((struct kernel_segment *)a[2])->attached, count;
    long r = wait_for_call(NR_shmctl, a);
    bool by_index = a[1] == SHM_STAT || a[1] == SHM_STAT_ANY;
    if (r < 0 || (a[1] != IPC_STAT && !by_index) || machine_from_user(&count, attached, sizeof count))
        return r;
    count -= nodes_attached(by_index ? (int)r : (int)a[0]);
    return machine_to_user(attached, &count, sizeof count) ? -E_FAULT : r;
}

static long socket_pair(const long a[6]) {
    long r = wait_for_call(NR_socketpair, a);
    if (r == 0)
        checkpoint_socketpair((const int *)a[3]);
    return r;
}

static long add_watch(const long a[6]) {
    long r = kernel(NR_inotify_add_watch, a);
    if (r >= 0)
        checkpoint_watched((const char *)a[1], (uint32_t)a[2]);
    return r;
}

/* Until a time of a clock that may be ahead of the kernel's: after a restart from a checkpoint. */
static long set_timer_file(const long a[6]) {
    enum { ABSOLUTE = 1 };
    struct kernel_time setting[2]; /* interval, time */
    int64_t ahead = a[1] & ABSOLUTE && a[2] ? checkpoint_timer_ahead((int)a[0]) : 0;
    if (!ahead)
        return kernel(NR_timerfd_settime, a);
    if (machine_from_user(setting, (const void *)a[2], sizeof setting))
        return -E_FAULT;
    clock_take_back(&setting[1], ahead);
    return KERNEL(NR_timerfd_settime, a[0], a[1], setting, a[3]);
}

static bool timer_call(long number, const long a[6], long *result) {
    switch (number) {
    case NR_timer_create:
        *result = timers_create(a[0], (const void *)a[1], (int32_t *)a[2]);
        return true;
    case NR_timer_settime:
        *result = timers_set((int32_t)a[0], a[1], (const void *)a[2], (void *)a[3]);
        return true;
    case NR_timer_gettime:
        *result = timers_get((int32_t)a[0], (void *)a[1]);
        return true;
    case NR_timer_getoverrun:
        *result = timers_overrun((int32_t)a[0]);
        return true;
    case NR_timerfd_settime:
        *result = set_timer_file(a);
        return true;
    case NR_timer_delete:
        *result = timers_delete((int32_t)a[0]);
        return true;
    }
    return false;
}

static long identity_call(struct popcorn_thread *thread, long number, const long a[6]) {
    switch (number) {
    case NR_close:
        return descriptors_close((int)a[0]);
    case NR_dup3:
        return descriptors_dup3((int)a[0], (int)a[1], (int)a[2]);
    case NR_close_range:
        return descriptors_close_range((unsigned)a[0], (unsigned)a[1], (unsigned)a[2]);
    case NR_exit:
        if (native_self()->vfork_child)
            threads_exit_group((int)a[0]);
        threads_exit(NULL, 0, (int)a[0]);
    case NR_exit_group:
        threads_exit_group((int)a[0]);
    case NR_getpid:
        return process_id();
    case NR_gettid:
        return thread_id(thread);
    case NR_clone:
        return raw_clone(a);
    case NR_shmctl:
        return segment_control(a);
    case NR_socketpair:
        return socket_pair(a);
    case NR_inotify_add_watch:
        return add_watch(a);
    case NR_membarrier:
        return memory_barrier(a);
    case NR_getrusage:
        return cpu_time_getrusage(thread, a[0], a[1]);
    case NR_times:
        return cpu_time_times(a[0]);
    case NR_mlockall: /* pages as they come: stacks are mapped far larger than they will be */
        return KERNEL(number, a[0] | MCL_ON_FAULT);
    case NR_nanosleep:
    case NR_clock_nanosleep:
        return wait_sleep(number, a);
    case NR_futex:
        return wait_futex(a);
    case NR_set_tid_address:
        thread->clear_tid = (int32_t *)a[0];
        if (home_machines) {
            native_self()->clear_tid = (_Atomic uint32_t *)a[0];
            return thread_id(thread);
        }
        break;
    case NR_clone3:
    case NR_rseq:
    case NR_userfaultfd:
    case NR_remap_file_pages:
        return -E_NOSYS;
    }
    long call[6] = {a[0], a[1], a[2], a[3], a[4], a[5]};
    identity_translate(number, call);
    return identity_answer(number, call, wait_for_call(number, call));
}

static long clone_for(const long a[6]) {
    uint64_t none[3] = {0};
    uint64_t *rest = a[2] & CLONE_SETTLS ? (uint64_t *)a[4] : none;
    return threads_clone((int (*)(void *))a[0], (void *)a[1], (unsigned)a[2], (void *)a[3], (int *)rest[0],
                         (void *)rest[1], (int *)rest[2]);
}

static long call_at_origin(struct popcorn_thread *thread, long number, const long argument[6]) {
    long result;
    switch (number) {
    case HOME_CLONE:
        return clone_for(argument);
    case HOME_UNMAP_SELF:
        threads_exit((void *)argument[0], (uint64_t)argument[1], 0);
    case HOME_FORK:
        return threads_fork();
    case HOME_FAULT:
        signals_die((int)argument[0]);
    case HOME_FAULT_BEGINS:
        return (long)signals_fault_begins((int)argument[0]);
    case HOME_FAULT_ENDS:
        return KERNEL(NR_rt_sigprocmask, MASK_SET, argument, 0, 8);
    case HOME_CHECKPOINT:
        return checkpoint_call((const char *)argument[0], (void *)argument[1]);
    }
    if (memory_call(number, argument, &result) || signal_call(number, argument, &result) ||
        timer_call(number, argument, &result))
        return result;
    return identity_call(thread, number, argument);
}

long syscall_at_origin(struct popcorn_thread *thread, long number, const long argument[6]) {
    if (!(number & POPCORN_CALL_MAY_STOP))
        return call_at_origin(thread, number, argument);
    struct native *native = native_self();
    long result;
    /* A handler may have run since the caller began: for a signal that came while the thread was under way.
     */
    if (wait_has_ended(thread, number | POPCORN_CALL_AGAIN, argument, &result))
        return result;
    bool before = wait_may_stop(native, thread);
    result = call_at_origin(thread, number & ~POPCORN_CALL_MAY_STOP, argument);
    native->may_stop = before;
    return result;
}

/* False: to be asked at the origin, which knows the CPU clocks of other threads. */
static bool clock_call(const struct popcorn_thread *thread, long clock, struct kernel_time *out,
                       long *result) {
    struct kernel_time time;
    bool of_cpu = clock < 0 || clock == CLOCK_OF_PROCESS || clock == CLOCK_OF_THREAD;
    if (of_cpu && home_machines && !home_here)
        return false;
    if (of_cpu && cpu_time_clock(thread, clock, &time))
        *result = machine_to_user(out, &time, sizeof time);
    else if (clock < 0 && !home_here)
        return false;
    else
        *result = clock_gettime_here(clock, out);
    return true;
}

/* Calls that mean the same in every process of the program. */
static bool shared_call(const struct popcorn_thread *thread, long number, const long a[6], long *result) {
    switch (number) {
    case NR_clock_gettime:
        return clock_call(thread, a[0], (struct kernel_time *)a[1], result);
    case NR_futex:
        if (home_machines && !home_here)
            return false;
        *result = wait_futex(a);
        return true;
    case NR_gettimeofday:
        if (home_machines && !home_here)
            return false;
        *result = kernel(number, a);
        return true;
    case NR_clock_getres:
    case NR_sched_yield:
    case NR_getcpu:
    case NR_getrandom:
        *result = kernel(number, a);
        return true;
    case NR_gettid:
        *result = thread_id(thread);
        return true;
    case NR_getpid:
        *result = process_id();
        return true;
    }
    return false;
}

/* On a node, memory may not have been touched here before the kernel is told to. */
static bool local_call(const struct popcorn_thread *thread, long number, const long a[6], long *result) {
    for (int i = 0; i < 7; i++) {
        if (!shared_call(thread, number, a, result))
            return false;
        bool touched = false;
        for (int k = 0; *result == -E_FAULT && !home_here && k < 6; k++)
            touched |= memory_touch((uint64_t)a[k], &native_self()->last_fault);
        if (!touched)
            return true;
    }
    return true;
}

/* A thread's first function returned (machine_run). musl's never do; a hand-written program's may. */
_Noreturn void popcorn_thread_returned(long value);
void popcorn_thread_returned(long value) {
    for (;;)
        __popcorn_syscall(NR_exit, value, 0, 0, 0, 0, 0);
}

/* The C half of __popcorn_fork. */
long popcorn_fork(const struct machine_context *);
long popcorn_fork(const struct machine_context *context) {
    static const long none[6];
    struct popcorn_thread *thread = popcorn_current();
    native_require_room(thread);
    if (home_here)
        return threads_fork();
    if (!thread->pinned)
        migration_go(thread, context, popcorn_control()->origin, 0, POPCORN_LANDING_FORK);
    return home->call(thread, HOME_FORK, none); /* it cannot come home: its process here forks, too */
}

long __popcorn_syscall(long number, long a, long b, long c, long d, long e, long f) {
    struct popcorn_thread *thread = popcorn_current();
    const long argument[6] = {a, b, c, d, e, f};
    long result;
    if (thread) {
        native_require_room(thread);
        if (wait_has_ended(thread, number, argument, &result))
            return result;
        number &= ~POPCORN_CALL_AGAIN;
    }
    if (number == (NR_futex | POPCORN_CALL_MAY_STOP) && (home_here || !home_machines)) {
        struct native *native = native_self();
        bool before = wait_may_stop(native, thread);
        local_call(thread, NR_futex, argument, &result);
        native->may_stop = before;
        return result;
    }
    if (local_call(thread, number, argument, &result))
        return result;
    return home_here ? syscall_at_origin(thread, number, argument) : home->call(thread, number, argument);
}

long __popcorn_checkpoint(const char *path, void *state) {
    struct popcorn_thread *thread = popcorn_current();
    const long argument[6] = {(long)path, (long)state};
    if (thread->pinned)
        return -E_BUSY;
    return home_here ? checkpoint_call(path, state) : home->call(thread, HOME_CHECKPOINT, argument);
}
