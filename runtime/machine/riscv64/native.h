/* SPDX-License-Identifier: MIT */
/* riscv64's kernel is asm-generic; only the frame of a signal is its own. */
#ifndef POPCORN_NATIVE_H
#define POPCORN_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#define NATIVE_getpid 172
#define NATIVE_process_vm_readv 270
#define NATIVE_process_vm_writev 271

/* The kernel has no restorer here. qemu-user (7.2) believes it has one, so the mask stands in both places. */
struct native_sigaction {
    void (*handler)(int, void *, void *);
    unsigned long flags;
    uint64_t mask, mask_for_qemu;
};

struct native_ucontext {
    uint64_t flags;
    void *link;
    uint64_t stack[3];
    uint64_t mask;
    uint8_t reserved[120];
    uint64_t align;
    uint64_t pc, ra, sp;
};
_Static_assert(offsetof(struct native_ucontext, pc) == 176, "kernel ABI");

#endif
