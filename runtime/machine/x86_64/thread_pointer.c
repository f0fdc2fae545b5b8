/* SPDX-License-Identifier: MIT */
#include "boot.h"
#include "machine.h"
#include "native.h"

void *machine_thread_pointer(void) {
    void *block;

    __asm__("mov %%fs:0, %0" : "=r"(block));
    return block;
}

/* Not by machine_syscall(), which looks at the block that it points to until now: that may be lost memory. */
long machine_set_thread_pointer(void *tcb) {
    ((struct machine_block *)tcb)->self = tcb;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(NATIVE_arch_prctl), "D"(NATIVE_ARCH_SET_FS), "S"(tcb)
                     : "rcx", "r11", "memory");
    return result;
}
