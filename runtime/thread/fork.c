/* SPDX-License-Identifier: MIT */
/*
 * fork: at the origin, by the thread itself, which comes home first, or by its shadow if it cannot: then its
 * process on the node forks, too. The child is a program of its own with one thread, and no processes but
 * these.
 */
#include "base/current.h"
#include "base/descriptors.h"
#include "base/home.h"
#include "base/kernel.h"
#include "memory/internal.h"
#include "popcorn/control.h"
#include "thread/family.h"
#include "thread/internal.h"
#include "thread/native.h"
#include "thread/room.h"

#define CHILD_SIGNAL 17 /* SIGCHLD */

/* The threads that were not carried over leave their rooms and native stacks behind. */
static void drop_others(struct popcorn_thread *self) {
    struct popcorn_control *control = popcorn_control();
    for (struct popcorn_thread *t = control->threads, *next; t; t = next) {
        next = t->next;
        if (t == self)
            continue;
        native_destroy(t->native[native_node]);
        threads_tell_end(t);
        room_destroy(t);
    }
    control->threads = NULL;
    control->nthreads = 0;
    threads_enter(self);
}

static void become_origin(struct native *native) {
    struct popcorn_thread *thread = native->thread;
    popcorn_control()->pid = popcorn_control()->seen_pid = (int32_t)KERNEL(NR_getpid);
    native->tid = (int32_t)KERNEL(NR_gettid);
    thread->tid = thread->kernel_tid = native->tid;
    home->forked();
    drop_others(thread);
    threads_tell_forked(thread);
}

/*
 * In shared mode the child gets memory of its own: the parent must not go on before that. A pipe that the
 * child closes then, or writes to if it cannot. If the child does not even inherit the mappings, or a process
 * on a node shares its memory from the beginning, there is a snapshot that the parent has made.
 */
struct copy {
    bool wanted;
    bool with_node; /* the thread is on a node, whose process forks as well */
    int snapshot;   /* or -1 */
    int end[2];
    uint64_t mask; /* of signals: their handlers need the memory, and what comes is not for both */
    void *tcb;     /* the thread's, which lies in it */
};

static int take_snapshot(struct copy *copy, struct popcorn_thread *thread) {
    copy->with_node = home->away(thread);
    if (!copy->with_node && memory_inherited())
        return 0;
    copy->snapshot = memory_snapshot();
    if (copy->snapshot < 0)
        return copy->snapshot;
    int r = copy->with_node ? home->fork(thread, copy->snapshot) : 0;
    if (r)
        descriptors_drop(copy->snapshot);
    return r;
}

static int prepare(struct copy *copy, struct native *native) {
    int r = (int)KERNEL(NR_pipe2, copy->end, OPEN_CLOEXEC);
    if (r)
        return r;
    r = take_snapshot(copy, native->thread);
    if (r) {
        KERNEL(NR_close, copy->end[0]);
        KERNEL(NR_close, copy->end[1]);
    }
    return r;
}

static int copy_begin(struct copy *copy, struct native *native) {
    uint64_t all = ~0ULL;
    *copy = (struct copy){.wanted = memory_file() >= 0, .snapshot = -1, .tcb = native->thread->tcb};
    int r = copy->wanted ? prepare(copy, native) : 0;
    if (r)
        return r;
    KERNEL(NR_rt_sigprocmask, MASK_SET, &all, &copy->mask, 8);
    if (copy->wanted)
        machine_set_thread_pointer(native->last_tcb);
    return 0;
}

/* The thread's memory is there (again). */
static void copy_end(struct copy *copy) {
    machine_set_thread_pointer(copy->tcb);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &copy->mask, 0, 8);
}

/* In the parent. `pid`, or a negative errno if the child could not get its memory. */
static long copy_wait(struct copy *copy, long pid) {
    char byte;
    long n = 0;
    if (!copy->wanted) {
        copy_end(copy);
        return pid;
    }
    KERNEL(NR_close, copy->end[1]);
    if (copy->with_node)
        home->fork_end();
    while (pid > 0 && (n = KERNEL(NR_read, copy->end[0], &byte, 1)) == -E_INTR)
        ;
    KERNEL(NR_close, copy->end[0]);
    descriptors_drop(copy->snapshot);
    if (n > 0) { /* the program never learns of this child */
        KERNEL(NR_wait4, pid, 0, 0, 0);
        pid = -E_NOMEM;
    }
    copy_end(copy);
    return pid;
}

static int child_memory(const struct copy *copy) {
    if (copy->with_node)
        return memory_move(copy->snapshot);
    int r = copy->snapshot >= 0 ? memory_join(copy->snapshot) : 0;
    return r ? r : memory_unshare();
}

/* A signal that was put off is the parent's: a child begins with none pending. */
static void drop_deferred(struct copy *copy, struct native *native) {
    if (native->deferred)
        copy->mask = native->deferred_mask;
    native->deferred = 0;
}

static void copy_take(struct copy *copy, struct native *native) {
    drop_deferred(copy, native);
    if (!copy->wanted) {
        copy_end(copy);
        return;
    }
    if (child_memory(copy)) {
        KERNEL(NR_write, copy->end[1], "", 1);
        KERNEL(NR_exit_group, 70);
    }
    KERNEL(NR_close, copy->end[0]);
    KERNEL(NR_close, copy->end[1]);
    copy_end(copy);
}

/* After a restart an id may be what the program calls another process: then both sides give the child up. */
static long clone_distinct(void) {
    for (;;) {
        long pid = KERNEL(NR_clone, CHILD_SIGNAL, 0, 0, 0, 0);
        int32_t id = (int32_t)(pid ? pid : KERNEL(NR_getpid));
        if (pid < 0)
            return pid;
        family_forget(id);
        if (!family_has(id))
            return pid;
        if (!pid)
            KERNEL(NR_exit_group, 0);
        while (KERNEL(NR_wait4, pid, 0, 0, 0) == -E_INTR)
            ;
    }
}

static long fork_locked(struct native *native) {
    struct copy copy;
    int r = copy_begin(&copy, native);
    if (r)
        return r;
    long pid = clone_distinct();
    if (pid)
        return copy_wait(&copy, pid);
    copy_take(&copy, native);
    return 0;
}

/*
 * Shared memory cannot be copied in an instant as the kernel does it: other threads stand still meanwhile,
 * here and on nodes.
 */
static bool stop_all(void) {
    if (!threads_stop_others())
        return false;
    if (home->halt())
        return true;
    threads_release();
    return false;
}

static void release_all(void) {
    home->release();
    threads_release();
}

/* The locks are held across it, so that the child finds what they guard whole. */
long threads_fork(void) {
    struct native *native = native_self();
    bool others = memory_file() >= 0 && popcorn_control()->nthreads > 1;
    critical_enter();
    if (!others)
        threads_lock();
    else if (!stop_all()) {
        critical_leave();
        return -E_AGAIN;
    }
    lock_take(&memory_lock);
    memory_elsewhere = true;
    memory_shuffles++;
    long pid = fork_locked(native);
    lock_release(&memory_lock);
    if (pid == 0)
        become_origin(native);
    if (others && pid)
        release_all();
    else if (others)
        threads_forked();
    else
        threads_unlock();
    critical_leave();
    return pid;
}

/* What the landing of a thread that came home to fork returns (lib/migration). */
long popcorn_fork_landed(struct popcorn_thread *);
long popcorn_fork_landed(struct popcorn_thread *thread) {
    (void)thread;
    return threads_fork();
}
