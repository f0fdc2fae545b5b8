/* SPDX-License-Identifier: MIT */
/*
 * musl's cancellation point. In musl the system call stands in this function, so that its signal handler can
 * tell by the pc whether the call has been made. Here the call may be translated or made elsewhere, so the
 * thread's block says that it is in a cancellation point, and machine.h says how a signal ends the call.
 */
#include <sys/syscall.h>

#include "boot.h"
#include "machine.h"

/* Part of the program if it may cancel a thread: nobody comes here else. */
__attribute__((weak)) long __cancel(void);

long __popcorn_syscall(long number, long a, long b, long c, long d, long e, long f);
long __syscall_cp_asm(const volatile int *cancel, long number, long a, long b, long c, long d, long e,
                      long f);

void machine_end_point(void *ucontext) {
    const struct machine_block *block = machine_thread_pointer();
    uint64_t pc = machine_ucontext_pc(ucontext);
    bool in_call = pc >= (uintptr_t)machine_point_begin && pc < (uintptr_t)machine_point_end;

    if (in_call && __atomic_load_n(&block->cancel, __ATOMIC_SEQ_CST) == POPCORN_CANCEL_INTERRUPTED)
        machine_ucontext_set_pc(ucontext, (uintptr_t)machine_point_interrupted);
}

/* Of close, musl takes -EINTR for success: it is cancelled before or not at all. */
long __syscall_cp_asm(const volatile int *cancel, long number, long a, long b, long c, long d, long e,
                      long f) {
    struct machine_block *block = machine_thread_pointer();

    if (number != SYS_close)
        __atomic_store_n(&block->cancel, POPCORN_CANCEL_POINT, __ATOMIC_SEQ_CST);
    if (*cancel) {
        __atomic_store_n(&block->cancel, POPCORN_CANCEL_NONE, __ATOMIC_SEQ_CST);
        return __cancel();
    }
    long result = __popcorn_syscall(number, a, b, c, d, e, f);
    __atomic_store_n(&block->cancel, POPCORN_CANCEL_NONE, __ATOMIC_SEQ_CST);
    return result;
}
