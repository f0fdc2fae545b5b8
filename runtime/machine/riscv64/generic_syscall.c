/* SPDX-License-Identifier: MIT */
/* riscv64's system calls are the common ABI, as its kernel has them; see native.h about qemu-user. */
#include "generic.h"
#include "machine.h"
#include "native.h"

static long generic_sigaction(long sig, const struct generic_sigaction *action, struct generic_sigaction *old,
                              long size) {
    struct native_sigaction native, native_old = {0};

    if (action)
        native = (struct native_sigaction){action->handler, action->flags, action->mask, action->mask};
    long result = machine_syscall_point(SYS_rt_sigaction, sig, action ? (long)&native : 0,
                                        old ? (long)&native_old : 0, size, 0, 0);
    if (old && result == 0)
        *old = (struct generic_sigaction){native_old.handler, native_old.flags, native_old.mask};
    return result;
}

long machine_generic_syscall(long number, long a, long b, long c, long d, long e, long f) {
    if (number == SYS_rt_sigaction)
        return generic_sigaction(a, (const void *)b, (void *)c, d);
    if (machine_not_portable(number))
        return -ENOSYS;
    return machine_syscall_point(number, a, b, c, d, e, f);
}
