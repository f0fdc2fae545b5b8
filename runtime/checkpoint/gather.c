/* SPDX-License-Identifier: MIT */
/*
 * Every thread comes to a migration point at the program's home, is captured there, and waits behind the
 * gate. Its native stack stays as it is, so when the gate opens it simply goes on.
 */
#include <stdatomic.h>

#include "base/critical.h"
#include "base/home.h"
#include "base/own_signal.h"
#include "checkpoint/job.h"
#include "popcorn/migration.h"
#include "popcorn/stack.h"
#include "thread/native.h"
#include "thread/threads.h"

#define PATIENCE 10000000000L /* nanoseconds until all have come */
#define AGAIN 5000000L        /* nanoseconds until those who have not come are asked again */

static _Atomic uint32_t closed;  /* the gate: 1 while threads shall wait */
static _Atomic uint32_t waiting; /* how many do; a futex */
static _Atomic int32_t refused;  /* the kernel's id of a thread that cannot be captured, or 0 */
static char reason[STACK_REASON_SIZE];

static void count(int by) {
    atomic_fetch_add(&waiting, (uint32_t)by);
    KERNEL(NR_futex, &waiting, FUTEX_WAKE, 1);
}

/*
 * Signals wait meanwhile: the process's own where a process that takes this one's place finds them, and none
 * comes to a thread that has been written.
 */
static void wait_at_gate(struct popcorn_thread *thread, const struct machine_context *context) {
    struct native *native = thread->native[native_node];
    const uint64_t all = ~0ULL;
    char why[STACK_REASON_SIZE];
    if (!atomic_load(&closed))
        return;
    critical_enter();
    if (stack_capture(thread, context, 0, POPCORN_LANDING_RESTART, why) && !atomic_load(&refused)) {
        struct text t = text_begin(reason, sizeof reason);
        text_string(&t, why);
        atomic_store(&refused, thread->kernel_tid);
    }
    KERNEL(NR_rt_sigprocmask, MASK_SET, &all, &native->gathered_mask, 8);
    KERNEL(NR_rt_sigpending, &native->gathered_pending, 8);
    native->gathered_pending &= ~(1ULL << (own_signal - 1));
    native->gathered = true;
    count(1);
    while (atomic_load(&closed))
        KERNEL(NR_futex, &closed, FUTEX_WAIT, 1, 0);
    native->gathered = false;
    KERNEL(NR_rt_sigprocmask, MASK_SET, &native->gathered_mask, 0, 8);
    count(-1);
    critical_leave();
}

void checkpoint_start(char *const *environment) {
    migration_gather = wait_at_gate;
    if (environment)
        plan_start(environment);
}

/* Asks whoever has not come; answers one of those, or NULL. */
static struct popcorn_thread *ask_others(void) {
    struct popcorn_thread *missing = NULL;
    long pid = KERNEL(NR_getpid);
    threads_lock();
    for (struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next) {
        const struct native *native = t->native[native_node];
        if (native && native->gathered)
            continue;
        missing = t;
        migration_call_together(t);
        KERNEL(NR_tgkill, pid, t->kernel_tid, own_signal);
    }
    threads_unlock();
    return missing;
}

static int fail(char *line, int32_t tid, const char *why, int error) {
    struct text t = text_begin(line, LINE_SIZE);
    text_string(&t, "thread ");
    text_signed(&t, tid);
    text_string(&t, why);
    gather_release();
    return error;
}

int gather(char line[LINE_SIZE]) {
    int64_t end = kernel_nanoseconds() + PATIENCE;
    struct popcorn_thread *missing;
    atomic_store(&refused, 0);
    atomic_store(&closed, 1);
    for (;;) {
        uint32_t seen = atomic_load(&waiting);
        struct kernel_time patience = {0, AGAIN};
        missing = ask_others();
        if (!missing || atomic_load(&refused) || kernel_nanoseconds() > end)
            break;
        KERNEL(NR_futex, &waiting, FUTEX_WAIT, seen, &patience);
    }
    if (missing && !atomic_load(&refused))
        return fail(line, missing->kernel_tid,
                    missing->pinned ? " is in a signal handler or a vfork child, for too long"
                                    : " comes to no migration point",
                    -E_BUSY);
    if (!atomic_load(&refused))
        return 0;
    char why[STACK_REASON_SIZE + 32];
    struct text t = text_begin(why, sizeof why);
    text_string(&t, " cannot be captured: ");
    text_string(&t, reason);
    return fail(line, atomic_load(&refused), why, -E_FAULT);
}

/* Until all are through, so that the next gathering finds nobody still at the gate. */
void gather_release(void) {
    atomic_store(&closed, 0);
    KERNEL(NR_futex, &closed, FUTEX_WAKE, 0x7fffffff);
    for (uint32_t left; (left = atomic_load(&waiting)) > 0;)
        KERNEL(NR_futex, &waiting, FUTEX_WAIT, left, 0);
}

struct gathered gathered_signals(const struct popcorn_thread *thread) {
    const struct native *native = thread->native[native_node];
    struct gathered g = {native->gathered_mask, native->gathered_pending};
    if (native->deferred) {
        g.mask = native->deferred_mask;
        g.pending |= 1ULL << (native->deferred - 1);
    }
    return g;
}
