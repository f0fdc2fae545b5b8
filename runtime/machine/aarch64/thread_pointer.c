/* SPDX-License-Identifier: MIT */
#include "boot.h"
#include "machine.h"

void *machine_thread_pointer(void) {
    return __builtin_thread_pointer();
}

long machine_set_thread_pointer(void *tcb) {
    ((struct machine_block *)tcb)->self = tcb;
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(tcb) : "memory");
    return 0;
}
