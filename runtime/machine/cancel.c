/* SPDX-License-Identifier: MIT */
/*
 * musl's cancellation point. In musl the system call stands in this function, so that its signal handler can
 * tell by the pc whether the call has been made. Here the call may be translated or made elsewhere, so the
 * thread's block says that it is in a cancellation point, and machine.h says how a signal ends the call.
 */
#include "boot.h"
#include "machine.h"

long __cancel(void);
long __popcorn_syscall(long number, long a, long b, long c, long d, long e, long f);
long __syscall_cp_asm(const volatile int *cancel, long number, long a, long b, long c, long d, long e, long f);

long __syscall_cp_asm(const volatile int *cancel, long number, long a, long b, long c, long d, long e, long f)
{
    struct machine_block *block = machine_thread_pointer();

    __atomic_store_n(&block->cancel, POPCORN_CANCEL_POINT, __ATOMIC_SEQ_CST);
    if (*cancel) {
        __atomic_store_n(&block->cancel, POPCORN_CANCEL_NONE, __ATOMIC_SEQ_CST);
        return __cancel();
    }
    long result = __popcorn_syscall(number, a, b, c, d, e, f);
    __atomic_store_n(&block->cancel, POPCORN_CANCEL_NONE, __ATOMIC_SEQ_CST);
    return result;
}
