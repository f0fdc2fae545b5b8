/* SPDX-License-Identifier: MIT */
/* Threads begin: the first one, those of pthread_create, and the children of posix_spawn. */
#include "base/current.h"
#include "base/home.h"
#include "base/kernel.h"
#include "base/lock.h"
#include "base/private.h"
#include "floating.h"
#include "memory/layout.h"
#include "memory/memory.h"
#include "popcorn/control.h"
#include "thread/internal.h"
#include "thread/native.h"
#include "thread/room.h"

#define VFORK_STACK (256UL << 10)
#define DATA_STACK_FACTOR 8
#define LEAST_DATA_STACK (2UL << 20)
#define MOST_DATA_STACK (1UL << 30)
/* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, CHILD_CLEARTID, DETACHED: as pthread_create() */
#define RESTART_FLAGS 0x6d0f00

uint64_t *threads_data_stack(struct popcorn_thread *thread) {
    return (uint64_t *)((char *)thread->tcb + POPCORN_TCB_DATA_STACK);
}

void threads_enter(struct popcorn_thread *thread) {
    struct popcorn_control *control = popcorn_control();
    thread->previous = NULL;
    thread->next = control->threads;
    if (thread->next)
        thread->next->previous = thread;
    control->threads = thread;
    control->nthreads++;
}

void threads_leave(struct popcorn_thread *thread) {
    struct popcorn_control *control = popcorn_control();
    if (thread->previous)
        thread->previous->next = thread->next;
    else
        control->threads = thread->next;
    if (thread->next)
        thread->next->previous = thread->previous;
    control->nthreads--;
}

/*
 * Much more than RLIMIT_STACK: native frames lie elsewhere, but locals whose lives do not overlap share no
 * room here. A program that recurses without end meets its end while the machine still has memory.
 */
static size_t wanted_data_stack(void) {
    uint64_t limit[2] = {0};
    KERNEL(NR_prlimit64, 0, LIMIT_STACK, 0, limit);
    if (limit[0] > MOST_DATA_STACK / DATA_STACK_FACTOR)
        return native_allowed(MOST_DATA_STACK);
    uint64_t size = native_allowed((limit[0] * DATA_STACK_FACTOR + KERNEL_PAGE - 1) & -KERNEL_PAGE);
    return size < LEAST_DATA_STACK ? LEAST_DATA_STACK : size;
}

/* The main thread's data stack, or a smaller one if there is no room. False if there is none at all. */
static bool map_data_stack(struct popcorn_stack *stack) {
    for (size_t size = wanted_data_stack(); size >= LEAST_DATA_STACK; size = size / 2 & -KERNEL_PAGE) {
        long low = memory_mmap(0, size + LAYOUT_STACK_GUARD, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (low < 0 && low >= -4095)
            continue;
        memory_munmap((uint64_t)low, LAYOUT_STACK_GUARD);
        stack->low = (uint64_t)low + LAYOUT_STACK_GUARD;
        stack->high = stack->low + size;
        return true;
    }
    return false;
}

/* For libc's pthread_getattr_np: the kernel's way, to look where memory ends, takes long from another node.
 */
uint64_t __popcorn_main_stack(uint64_t *low);
uint64_t __popcorn_main_stack(uint64_t *low) {
    *low = popcorn_control()->main_stack.low;
    return popcorn_control()->main_stack.high;
}

int threads_start(void) {
    struct popcorn_thread *thread = room_create();
    if (!thread || !map_data_stack(&thread->own_stack))
        return -E_NOMEM;
    struct native *native = native_create(thread, native_main_stack(thread));
    if (!native)
        return -E_NOMEM;
    popcorn_control()->main_stack = thread->own_stack;
    uint64_t *tcb = (uint64_t *)(thread->own_stack.high - POPCORN_TCB_SIZE);
    tcb[POPCORN_TCB_DATA_STACK / 8] = (uint64_t)tcb;
    tcb[POPCORN_TCB_THREAD / 8] = (uint64_t)thread;
    thread->tcb = tcb;
    thread->node = native_node;
    thread->mailbox->place = MAILBOX_PLACE(MAILBOX_RUNNING, native_node);
    machine_set_thread_pointer(tcb);
    native_adopt(native);
    thread->tid = thread->kernel_tid = native->tid;
    threads_enter(thread);
    return 0;
}

/* musl has made the block in which the thread shall live from now on. */
int __set_thread_area(void *tcb);
int __set_thread_area(void *tcb) {
    struct popcorn_thread *thread = popcorn_current();
    uint64_t *from = thread->tcb, *to = tcb;
    critical_enter();
    to[POPCORN_TCB_DATA_STACK / 8] = from[POPCORN_TCB_DATA_STACK / 8];
    to[POPCORN_TCB_THREAD / 8] = (uint64_t)thread;
    thread->tcb = tcb;
    long r = machine_set_thread_pointer(tcb);
    critical_leave();
    return (int)r;
}

/* The first thing a new thread does, on its own native stack. */
static int thread_main(void *argument) {
    struct native *native = argument;
    native_adopt(native);
    native->thread->tid = native->thread->kernel_tid = native->tid;
    native->thread->pinned = 0;
    floating_set_environment(native->thread->floating);
    machine_run((void *)native->stack_high, (long (*)(void *))(uintptr_t)native->start, native->argument);
}

static struct native *prepare(int (*fn)(void *), void *stack, void *arg, void *tls) {
    struct popcorn_thread *thread = room_create();
    struct native *native = thread ? native_create(thread, NATIVE_THREAD_STACK) : NULL;
    if (!native) {
        if (thread)
            room_destroy(thread);
        return NULL;
    }
    uint64_t *tcb = tls;
    tcb[POPCORN_TCB_SELF / 8] = (uint64_t)tcb;
    tcb[POPCORN_TCB_DATA_STACK / 8] = (uint64_t)stack & -16UL;
    tcb[POPCORN_TCB_THREAD / 8] = (uint64_t)thread;
    tcb[POPCORN_TCB_CANCEL / 8] = POPCORN_CANCEL_NONE;
    thread->tcb = tcb;
    thread->own_stack.low = memory_begin_of((uint64_t)stack - 1);
    thread->own_stack.high = (uint64_t)stack;
    thread->node = native_node;
    thread->floating = popcorn_current()->floating;
    thread->mailbox->place = MAILBOX_PLACE(MAILBOX_RUNNING, native_node);
    native->start = fn;
    native->argument = arg;
    threads_tell_begin(thread);
    return native;
}

static long new_thread(int (*fn)(void *), void *stack, unsigned long flags, void *arg, int *ptid, void *tls,
                       int *ctid) {
    struct native *native = prepare(fn, stack, arg, tls);
    if (!native)
        return -E_AGAIN;
    native->thread->clear_tid = flags & CLONE_CHILD_CLEARTID ? ctid : NULL;
    if (home_machines && flags & CLONE_CHILD_CLEARTID) {
        flags &= ~(unsigned long)CLONE_CHILD_CLEARTID;
        native->clear_tid = (_Atomic uint32_t *)ctid;
    }
    threads_lock(); /* until the tid is known: threads_stop_others() needs it */
    long tid = machine_clone(flags, (void *)native->stack_high, ptid, tls, ctid, thread_main, native);
    if (tid > 0) {
        native->tid = (int32_t)tid;
        native->thread->tid = native->thread->kernel_tid = (int32_t)tid;
        threads_enter(native->thread);
    }
    threads_unlock();
    if (tid < 0) {
        threads_tell_end(native->thread);
        room_destroy(native->thread);
        native_destroy(native);
    }
    return tid;
}

int threads_restore(struct popcorn_thread *thread, bool main_thread) {
    struct popcorn_mailbox *box = thread->mailbox;
    __builtin_memset(thread->native, 0, sizeof thread->native);
    __builtin_memset(box, 0, sizeof *box);
    box->place = MAILBOX_PLACE(MAILBOX_RUNNING, native_node);
    thread->node = native_node;
    return native_create(thread, main_thread ? native_main_stack(thread) : NATIVE_THREAD_STACK) ? 0
                                                                                                : -E_NOMEM;
}

long threads_restart(struct popcorn_thread *thread, int (*run)(void *)) {
    struct native *native = thread->native[native_node];
    return machine_clone(RESTART_FLAGS, (void *)native->stack_high, NULL, thread->tcb, thread->clear_tid, run,
                         native);
}

void threads_adopt(struct popcorn_thread *thread) {
    KERNEL(NR_set_tid_address, thread->clear_tid);
}

/*
 * The child lives in the caller's memory, thread and all, while the caller waits: on a native stack of its
 * own, and with its data on the stack that it was given.
 */
static long vfork_child(int (*fn)(void *), void *stack, unsigned long flags, void *arg) {
    struct native *native = native_self();
    struct popcorn_thread *thread = native->thread;
    char *low = private_memory(VFORK_STACK);
    if (!low)
        return -E_NOMEM;
    uint64_t *data = threads_data_stack(thread), saved = *data;
    int critical = native->critical;
    thread->pinned++;
    native->vfork_child = true;
    *data = (uint64_t)stack & -16UL;
    threads_wait_begins(native);
    long pid = machine_clone(flags, low + VFORK_STACK, NULL, NULL, NULL, fn, arg);
    atomic_store(&native->waiting, false);
    *data = saved;
    native->vfork_child = false;
    native->critical = critical;
    thread->pinned--;
    KERNEL(NR_munmap, low, VFORK_STACK);
    return pid;
}

long threads_clone(int (*fn)(void *), void *stack, unsigned long flags, void *arg, int *ptid, void *tls,
                   int *ctid) {
    if ((flags & CLONE_THREAD) && (flags & CLONE_SETTLS))
        return new_thread(fn, stack, flags, arg, ptid, tls, ctid);
    if ((flags & CLONE_VM) && (flags & CLONE_VFORK) && !(flags & CLONE_SETTLS))
        return vfork_child(fn, stack, flags, arg);
    return -E_INVAL;
}

/* As musl calls it; the pass puts the variadic arguments in a block of 8-byte slots. */
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, uint64_t *block);
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, uint64_t *block) {
    struct popcorn_thread *thread = popcorn_current();
    uint64_t none[3] = {0};
    native_require_room(thread);
    uint64_t *rest = flags & CLONE_SETTLS ? block : none;
    thread->floating = floating_environment(); /* a new thread inherits it, wherever its maker is */
    if (!home_here) {
        long argument[6] = {(long)fn, (long)stack, flags, (long)arg, (long)block};
        return (int)home->call(thread, HOME_CLONE, argument);
    }
    return (int)threads_clone(fn, stack, (unsigned)flags, arg, (int *)rest[0], (void *)rest[1],
                              (int *)rest[2]);
}
