/* SPDX-License-Identifier: MIT */
#include <sys/syscall.h>

#include "machine.h"
#include "native.h"

long machine_sigaction(int sig, void (*handler)(int, void *, void *), unsigned long flags, uint64_t mask) {
    struct native_sigaction action = {
        .handler = handler,
        .flags = flags,
        .mask = mask,
        .mask_for_qemu = mask,
    };

    return machine_syscall(SYS_rt_sigaction, sig, (long)&action, 0, sizeof action.mask, 0, 0);
}

uint64_t machine_ucontext_pc(const void *ucontext) {
    return ((const struct native_ucontext *)ucontext)->pc;
}

void machine_ucontext_set_pc(void *ucontext, uint64_t pc) {
    ((struct native_ucontext *)ucontext)->pc = pc;
}

uint64_t machine_ucontext_mask(const void *ucontext) {
    return ((const struct native_ucontext *)ucontext)->mask;
}

void machine_ucontext_set_mask(void *ucontext, uint64_t mask) {
    ((struct native_ucontext *)ucontext)->mask = mask;
}

bool machine_is_trap(const void *ucontext) {
    const uint16_t *at = (const uint16_t *)machine_ucontext_pc(ucontext);
    return at[0] == 0 || (at[0] == 0x1073 && at[1] == 0xc000); /* unimp, compressed or not */
}
