/* SPDX-License-Identifier: MIT */
/*
 * The common ABI's system calls on aarch64. Numbers and structs are asm-generic's. What differs
 * (arch/arm64/include/uapi/asm):
 * - fcntl.h: O_DIRECTORY, O_NOFOLLOW, O_DIRECT and O_LARGEFILE have other bits. They appear in openat,
 * openat2 (struct open_how), open_by_handle_at, pipe2 (O_DIRECT), fcntl's F_GETFL and F_SETFL, and
 * fanotify_init's flags of event files. mq_open, dup3, memfd_create and the like take none of the four.
 * - signal.h: struct sigaction has a restorer before its mask.
 */
#include "generic.h"
#include "machine.h"
#include "native.h"

#define F_GETFL 3
#define F_SETFL 4

static const struct {
    unsigned generic, native;
} flag_pairs[] = {
    {GENERIC_O_DIRECT, NATIVE_O_DIRECT},
    {GENERIC_O_LARGEFILE, NATIVE_O_LARGEFILE},
    {GENERIC_O_DIRECTORY, NATIVE_O_DIRECTORY},
    {GENERIC_O_NOFOLLOW, NATIVE_O_NOFOLLOW},
};
#define FLAG_PAIRS (sizeof flag_pairs / sizeof *flag_pairs)

static uint64_t to_native_flags(uint64_t flags) {
    uint64_t result = flags;

    for (unsigned i = 0; i < FLAG_PAIRS; i++)
        result &= ~(uint64_t)flag_pairs[i].generic;
    for (unsigned i = 0; i < FLAG_PAIRS; i++)
        result |= flags & flag_pairs[i].generic ? flag_pairs[i].native : 0;
    return result;
}

static long to_generic_flags(long flags) {
    long result = flags;

    for (unsigned i = 0; i < FLAG_PAIRS; i++)
        result &= ~(long)flag_pairs[i].native;
    for (unsigned i = 0; i < FLAG_PAIRS; i++)
        result |= flags & flag_pairs[i].native ? flag_pairs[i].generic : 0;
    return result;
}

static long generic_openat2(long directory, long path, const uint64_t *how, size_t size) {
    uint64_t native[8];

    if (!how || size < 3 * sizeof *how || size > sizeof native || size % sizeof *how)
        return machine_syscall_point(SYS_openat2, directory, path, (long)how, (long)size, 0, 0);
    if (machine_from_user(native, how, size))
        return -EFAULT;
    native[0] = to_native_flags(native[0]);
    return machine_syscall_point(SYS_openat2, directory, path, (long)native, (long)size, 0, 0);
}

static long generic_fcntl(long fd, long command, long argument) {
    if (command == F_SETFL)
        argument = (long)to_native_flags((uint64_t)argument);
    long result = machine_syscall_point(SYS_fcntl, fd, command, argument, 0, 0, 0);
    return command == F_GETFL && result >= 0 ? to_generic_flags(result) : result;
}

static long generic_sigaction(long sig, const struct generic_sigaction *action, struct generic_sigaction *old,
                              long size) {
    struct native_sigaction native, native_old;

    if (action)
        native = (struct native_sigaction){action->handler, action->flags | NATIVE_SA_RESTORER,
                                           machine_restorer, action->mask};
    long result = machine_syscall_point(SYS_rt_sigaction, sig, action ? (long)&native : 0,
                                        old ? (long)&native_old : 0, size, 0, 0);
    if (old && result == 0)
        *old = (struct generic_sigaction){native_old.handler, native_old.flags & ~NATIVE_SA_RESTORER,
                                          native_old.mask};
    return result;
}

long machine_generic_syscall(long number, long a, long b, long c, long d, long e, long f) {
    switch (number) {
    case SYS_openat:
    case SYS_open_by_handle_at:
        c = (long)to_native_flags((uint64_t)c);
        break;
    case SYS_pipe2:
    case SYS_fanotify_init:
        b = (long)to_native_flags((uint64_t)b);
        break;
    case SYS_openat2:
        return generic_openat2(a, b, (const uint64_t *)c, (size_t)d);
    case SYS_fcntl:
        return generic_fcntl(a, b, c);
    case SYS_rt_sigaction:
        return generic_sigaction(a, (const void *)b, (void *)c, d);
    default:
        if (machine_not_portable(number))
            return -ENOSYS;
    }
    return machine_syscall_point(number, a, b, c, d, e, f);
}
