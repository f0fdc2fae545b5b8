/* SPDX-License-Identifier: MIT */
#include "generic.h"
#include "machine.h"

/* riscv64's system calls are the common ABI. */
long machine_generic_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (machine_not_portable(number))
        return -ENOSYS;
    return machine_syscall_point(number, a, b, c, d, e, f);
}
