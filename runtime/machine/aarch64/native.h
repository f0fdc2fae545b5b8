/* SPDX-License-Identifier: MIT */
/* What aarch64's kernel has otherwise than asm-generic: four O_ flags, sigaction's restorer, the frame. */
#ifndef POPCORN_NATIVE_H
#define POPCORN_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#define NATIVE_getpid 172
#define NATIVE_process_vm_readv 270
#define NATIVE_process_vm_writev 271
#define NATIVE_O_DIRECTORY 040000
#define NATIVE_O_NOFOLLOW 0100000
#define NATIVE_O_DIRECT 0200000
#define NATIVE_O_LARGEFILE 0400000
#define NATIVE_SA_RESTORER 0x04000000UL

struct native_sigaction {
    void (*handler)(int, void *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

struct native_ucontext {
    uint64_t flags;
    void *link;
    uint64_t stack[3];
    uint64_t mask;
    uint8_t reserved[120];
    uint64_t align;
    uint64_t fault_address;
    uint64_t general[31];
    uint64_t sp, pc, pstate;
};
_Static_assert(offsetof(struct native_ucontext, fault_address) == 176, "kernel ABI");

void machine_restorer(void);

#endif
