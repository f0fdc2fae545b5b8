/* SPDX-License-Identifier: MIT */
/* What x86_64's kernel has of its own: numbers without an equal in asm-generic, and structs that differ. */
#ifndef POPCORN_NATIVE_H
#define POPCORN_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#define NATIVE_fstat 5
#define NATIVE_rt_sigaction 13
#define NATIVE_getpid 39
#define NATIVE_clone 56
#define NATIVE_semctl 66
#define NATIVE_arch_prctl 158
#define NATIVE_epoll_ctl 233
#define NATIVE_newfstatat 262
#define NATIVE_epoll_pwait 281
#define NATIVE_process_vm_readv 310
#define NATIVE_process_vm_writev 311
#define NATIVE_epoll_pwait2 441

#define NATIVE_ARCH_SET_FS 0x1002
#define NATIVE_SA_RESTORER 0x04000000UL

struct native_stat {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, blksize, blocks;
    int64_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
    int64_t reserved[3];
};
_Static_assert(sizeof(struct native_stat) == 144, "kernel ABI");

struct native_epoll_event {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));
_Static_assert(sizeof(struct native_epoll_event) == 12, "kernel ABI");

struct native_sigaction {
    void (*handler)(int, void *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

struct native_semid {
    uint64_t permission[6];
    int64_t otime, reserved1, ctime, reserved2;
    uint64_t nsems, reserved3, reserved4;
};
_Static_assert(sizeof(struct native_semid) == 104, "kernel ABI");

struct native_ucontext {
    uint64_t flags;
    void *link;
    uint64_t stack[3];
    uint64_t general[15]; /* r8-r15 rdi rsi rbp rbx rdx rax rcx */
    uint64_t sp, pc;
    uint64_t rest[15];
    uint64_t mask;
};
_Static_assert(offsetof(struct native_ucontext, mask) == 296, "kernel ABI");

void machine_restorer(void);

#endif
