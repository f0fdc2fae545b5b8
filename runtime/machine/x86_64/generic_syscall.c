/* SPDX-License-Identifier: MIT */
/*
 * The common ABI's system calls on x86_64. What differs (arch/x86/include/uapi/asm against asm-generic):
 * - unistd_64.h: the numbers below 424; from there on all ISAs share them. syscall_numbers.h is made from
 *   musl's two lists.
 * - stat.h: struct stat (fstat, newfstatat).
 * - linux/eventpoll.h: struct epoll_event is packed (epoll_ctl, epoll_pwait, epoll_pwait2).
 * - sembuf.h: struct semid64_ds has padding behind its times (semctl).
 * - signal.h: struct sigaction has a restorer before its mask.
 * - clone takes the child's tid before the thread pointer.
 * The same as asm-generic: fcntl.h (O_ flags too), flock, termios and ioctl numbers, socket options, mman
 * flags (but MAP_32BIT, which is x86_64's alone), siginfo, stack_t, statfs, msqid64_ds, shmid64_ds,
 * ipc64_perm, rusage, timex, sysinfo, dirent64.
 */
#include "generic.h"
#include "machine.h"
#include "native.h"

#define UNIFIED 424 /* from this number on, a call has the same number on every ISA */

/* Native number + 1 by generic number; 0: none. */
static const uint16_t native_number[UNIFIED] = {
#include "syscall_numbers.h"
};

static long native(long number, long a, long b, long c, long d, long e, long f) {
    return machine_syscall_point(number, a, b, c, d, e, f);
}

static long generic_stat(long number, long a, long b, struct generic_stat *out, long flags) {
    struct native_stat s;
    long result = number == NATIVE_fstat ? native(number, a, (long)&s, 0, 0, 0, 0)
                                         : native(number, a, b, (long)&s, flags, 0, 0);

    if (result)
        return result;
    struct generic_stat generic = {
        .dev = s.dev,
        .ino = s.ino,
        .mode = s.mode,
        .nlink = (uint32_t)s.nlink,
        .uid = s.uid,
        .gid = s.gid,
        .rdev = s.rdev,
        .size = s.size,
        .blksize = (int32_t)s.blksize,
        .blocks = s.blocks,
        .atime = s.atime,
        .atime_nsec = s.atime_nsec,
        .mtime = s.mtime,
        .mtime_nsec = s.mtime_nsec,
        .ctime = s.ctime,
        .ctime_nsec = s.ctime_nsec,
    };
    return machine_to_user(out, &generic, sizeof generic);
}

static long generic_epoll_ctl(long epoll, long operation, long fd, const struct generic_epoll_event *event) {
    struct native_epoll_event packed;
    struct generic_epoll_event spread;

    if (event && machine_from_user(&spread, event, sizeof spread))
        return -EFAULT;
    if (event)
        packed = (struct native_epoll_event){spread.events, spread.data};
    return native(NATIVE_epoll_ctl, epoll, operation, fd, event ? (long)&packed : 0, 0, 0);
}

/* Does writing up to `end` touch a page that writing up to `begin` has not? */
static bool crosses_page(const void *begin, const void *end) {
    return ((uintptr_t)begin - 1) / 4096 != ((uintptr_t)end - 1) / 4096;
}

/*
 * The kernel fills the program's array with packed events; they are spread from the last to the first. The
 * array may be too short for that: it is if there is no room for the last one.
 */
static long generic_epoll_wait(long number, long epoll, void *events, long max, long timeout, long mask,
                               long size) {
    long count = native(number, epoll, (long)events, max, timeout, mask, size);
    const struct native_epoll_event *packed = events;
    struct generic_epoll_event *spread = events;

    if (count > 0 && crosses_page(packed + count, spread + count)) {
        struct generic_epoll_event none = {0};
        if (machine_to_user(&spread[count - 1], &none, sizeof none))
            return -EFAULT;
    }
    for (long i = count - 1; i >= 0; i--) {
        struct native_epoll_event event = packed[i];
        spread[i] = (struct generic_epoll_event){event.events, event.data};
    }
    return count;
}

static void copy_permission(uint64_t *to, const uint64_t *from) {
    for (int i = 0; i < 6; i++)
        to[i] = from[i];
}

static long generic_semctl(long id, long number, long command, void *users) {
    enum { IPC_SET = 1, IPC_STAT = 2, SEM_STAT = 18, SEM_STAT_ANY = 20 };
    struct generic_semid g = {0};
    struct native_semid s = {0};

    if (command != IPC_SET && command != IPC_STAT && command != SEM_STAT && command != SEM_STAT_ANY)
        return native(NATIVE_semctl, id, number, command, (long)users, 0, 0);
    if (command == IPC_SET && machine_from_user(&g, users, sizeof g))
        return -EFAULT;
    copy_permission(s.permission, g.permission);
    long result = native(NATIVE_semctl, id, number, command, (long)&s, 0, 0);
    if (result < 0 || command == IPC_SET)
        return result;
    copy_permission(g.permission, s.permission);
    g.otime = s.otime;
    g.ctime = s.ctime;
    g.nsems = s.nsems;
    return machine_to_user(users, &g, sizeof g) ? -EFAULT : result;
}

static long generic_sigaction(long sig, const struct generic_sigaction *action, struct generic_sigaction *old,
                              long size) {
    struct native_sigaction n, n_old;

    if (action)
        n = (struct native_sigaction){action->handler, action->flags | NATIVE_SA_RESTORER, machine_restorer,
                                      action->mask};
    long result = native(NATIVE_rt_sigaction, sig, action ? (long)&n : 0, old ? (long)&n_old : 0, size, 0, 0);
    if (old && result == 0)
        *old = (struct generic_sigaction){n_old.handler, n_old.flags & ~NATIVE_SA_RESTORER, n_old.mask};
    return result;
}

long machine_generic_syscall(long number, long a, long b, long c, long d, long e, long f) {
    switch (number) {
    case SYS_fstat:
        return generic_stat(NATIVE_fstat, a, 0, (struct generic_stat *)b, 0);
    case SYS_newfstatat:
        return generic_stat(NATIVE_newfstatat, a, b, (struct generic_stat *)c, d);
    case SYS_epoll_ctl:
        return generic_epoll_ctl(a, b, c, (const struct generic_epoll_event *)d);
    case SYS_epoll_pwait:
        return generic_epoll_wait(NATIVE_epoll_pwait, a, (void *)b, c, d, e, f);
    case SYS_epoll_pwait2:
        return generic_epoll_wait(NATIVE_epoll_pwait2, a, (void *)b, c, d, e, f);
    case SYS_semctl:
        return generic_semctl(a, b, c, (void *)d);
    case SYS_rt_sigaction:
        return generic_sigaction(a, (const void *)b, (void *)c, d);
    case SYS_clone:
        return native(NATIVE_clone, a, b, c, e, d, 0);
    }
    if (number < 0 || machine_not_portable(number))
        return -ENOSYS;
    if (number >= UNIFIED)
        return native(number, a, b, c, d, e, f);
    if (!native_number[number])
        return -ENOSYS;
    return native(native_number[number] - 1, a, b, c, d, e, f);
}
