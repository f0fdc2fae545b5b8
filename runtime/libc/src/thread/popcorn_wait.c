/* SPDX-License-Identifier: MIT */
#include "popcorn_wait.h"

long __popcorn_wait(long n, long a, long b, long c, long d, long e, long f);
long __popcorn_wait(long n, long a, long b, long c, long d, long e, long f) {
    long r;
    n |= CALL_MAY_STOP;
    while ((r = __popcorn_syscall(n, a, b, c, d, e, f)) == CALL_STOPPED) {
        __migrate_shim_internal(-1);
        n |= CALL_AGAIN;
    }
    return r;
}
