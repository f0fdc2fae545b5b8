/* SPDX-License-Identifier: MIT */
#include "boot.h"
#include "machine.h"
#include "native.h"

void *machine_thread_pointer(void) {
    void *block;

    __asm__("mov %%fs:0, %0" : "=r"(block));
    return block;
}

long machine_set_thread_pointer(void *tcb) {
    ((struct machine_block *)tcb)->self = tcb;
    return machine_syscall(NATIVE_arch_prctl, NATIVE_ARCH_SET_FS, (long)tcb, 0, 0, 0, 0);
}
