/* SPDX-License-Identifier: MIT */
/*
 * The common ABI's side of machine_generic_syscall: numbers from <sys/syscall.h> of the sysroot, structs as
 * include/uapi/asm-generic of the kernel has them.
 */
#ifndef POPCORN_GENERIC_H
#define POPCORN_GENERIC_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#define GENERIC_O_DIRECT 040000
#define GENERIC_O_LARGEFILE 0100000
#define GENERIC_O_DIRECTORY 0200000
#define GENERIC_O_NOFOLLOW 0400000

struct generic_stat {
    uint64_t dev, ino;
    uint32_t mode, nlink, uid, gid;
    uint64_t rdev, pad1;
    int64_t size;
    int32_t blksize, pad2;
    int64_t blocks;
    int64_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
    uint32_t reserved[2];
};
_Static_assert(sizeof(struct generic_stat) == 128, "kernel ABI");

struct generic_epoll_event {
    uint32_t events;
    uint64_t data;
};

struct generic_sigaction {
    void (*handler)(int, void *, void *);
    unsigned long flags;
    uint64_t mask;
};

struct generic_semid {
    uint64_t permission[6];
    int64_t otime, ctime;
    uint64_t nsems, reserved[2];
};
_Static_assert(sizeof(struct generic_semid) == 88, "kernel ABI");

/*
 * Calls that every ISA refuses, so that a program meets the same kernel everywhere: each ISA's own ones, the
 * return from a signal, and io_uring, whose requests lie in shared memory in the native layout.
 */
static inline bool machine_not_portable(long number) {
    return (number >= 244 && number < 260) || number == SYS_rt_sigreturn ||
           (number >= SYS_io_uring_setup && number <= SYS_io_uring_register);
}

#endif
