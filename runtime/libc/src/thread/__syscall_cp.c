/* SPDX-License-Identifier: MIT */
/* musl's cancellation points, in place of its file of this name: all of them may wait, and are migration
 * points. */
#include "pthread_impl.h"
#include "syscall.h"

#include "popcorn_wait.h"

hidden long __syscall_cp_c(syscall_arg_t nr, syscall_arg_t u, syscall_arg_t v, syscall_arg_t w,
                           syscall_arg_t x, syscall_arg_t y, syscall_arg_t z);

static long sccp(syscall_arg_t nr, syscall_arg_t u, syscall_arg_t v, syscall_arg_t w, syscall_arg_t x,
                 syscall_arg_t y, syscall_arg_t z) {
    return __popcorn_syscall(nr, u, v, w, x, y, z);
}

weak_alias(sccp, __syscall_cp_c);

/* close() frees a descriptor's number even if it waits afterwards: it is made once. */
long(__syscall_cp)(syscall_arg_t nr, syscall_arg_t u, syscall_arg_t v, syscall_arg_t w, syscall_arg_t x,
                   syscall_arg_t y, syscall_arg_t z) {
    long r;
    if (nr == SYS_close)
        return __syscall_cp_c(nr, u, v, w, x, y, z);
    nr |= CALL_MAY_STOP;
    while ((r = __syscall_cp_c(nr, u, v, w, x, y, z)) == CALL_STOPPED) {
        __migrate_shim_internal(-1);
        nr |= CALL_AGAIN;
    }
    return r;
}
