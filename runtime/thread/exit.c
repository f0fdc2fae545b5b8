/* SPDX-License-Identifier: MIT */
/* Threads end, and the program. */
#include <stdatomic.h>

#include "base/current.h"
#include "base/home.h"
#include "base/kernel.h"
#include "memory/memory.h"
#include "thread/internal.h"
#include "thread/native.h"
#include "thread/room.h"

/*
 * Order matters: once the room is gone nothing here may look at the thread, once `base` is gone nothing may
 * look at its TCB, and at last the native stack goes from under the feet of the native thread.
 */
/* As the kernel does for CLONE_CHILD_CLEARTID, whose wake-up would not find those who wait on pages of the
 * device. What musl guards by it, the thread's stack and block, is not in use any more. */
static void clear_tid(struct native *native) {
    if (!native->clear_tid)
        return;
    atomic_store(native->clear_tid, 0);
    KERNEL(NR_futex, native->clear_tid, FUTEX_WAKE | FUTEX_PRIVATE, 1);
}

void threads_exit(void *base, uint64_t size, int status) {
    struct native *native = native_self();
    struct popcorn_thread *thread = native->thread;
    (void)status; /* the kernel tells nobody how a thread ended */
    kernel_block_signals();
    /* No system call that ending takes is to end early, as the last one of a cancelled thread. */
    ((uint64_t *)thread->tcb)[POPCORN_TCB_CANCEL / 8] = POPCORN_CANCEL_NONE;
    threads_lock();
    threads_leave(thread);
    threads_unlock();
    home->thread_ends(thread);
    threads_tell_end(thread);
    machine_set_thread_pointer(native->last_tcb);
    room_destroy(thread);
    if (size)
        memory_munmap((uint64_t)base, size);
    clear_tid(native);
    native_leave(native);
}

void threads_exit_group(int status) {
    static atomic_bool ending;
    struct native *native = native_self();
    if (native && native->vfork_child)
        KERNEL(NR_exit_group, status);
    critical_enter();
    if (!atomic_exchange(&ending, true)) {
        threads_tell_program_ends(popcorn_current());
        home->end();
        KERNEL(NR_exit_group, status);
    }
    for (int i = 0; i < 5; i++) { /* another thread is ending the program */
        struct kernel_time second = {1, 0};
        KERNEL(NR_nanosleep, &second, 0);
    }
    KERNEL(NR_exit_group, status);
    __builtin_trap();
}

void __unmapself(void *base, size_t size);
void __unmapself(void *base, size_t size) {
    long argument[6] = {(long)base, (long)size};
    if (!home_here)
        home->call(popcorn_current(), HOME_UNMAP_SELF, argument);
    threads_exit(base, size, 0);
}
