/* SPDX-License-Identifier: MIT */
/* System calls, threads, the end of a thread. (The kernel's own page brings back from a signal handler.) */
#include "popcorn/abi.h"

.macro FUNCTION name
    .globl \name
    .type \name, @function
\name:
.endm

/* (number, a..f) of C to the kernel's registers. */
.macro ARGUMENTS
    mv a7, a0
    mv a0, a1
    mv a1, a2
    mv a2, a3
    mv a3, a4
    mv a4, a5
    mv a5, a6
.endm

    .text
FUNCTION machine_syscall
    ARGUMENTS
    ecall
    ret

FUNCTION machine_syscall_point
    ARGUMENTS
    li t1, POPCORN_CANCEL_INTERRUPTED
    .globl machine_point_begin, machine_point_end, machine_point_interrupted
machine_point_begin:
    lw t0, POPCORN_TCB_CANCEL(tp)
    beq t0, t1, machine_point_interrupted
    ecall
machine_point_end:
    ret
machine_point_interrupted:
    li a0, -4                       /* -EINTR */
    ret

FUNCTION machine_clone
    andi a1, a1, -16
    addi a1, a1, -16
    sd a5, 0(a1)                    /* fn and its argument wait on the child's stack */
    sd a6, 8(a1)
    li a7, 220
    ecall
    beqz a0, 1f
    ret
1:  li s0, 0
    ld a1, 0(sp)
    ld a0, 8(sp)
    addi sp, sp, 16
    jalr a1
    li a7, 93
    ecall
    unimp

FUNCTION machine_unmap_and_exit
    li a7, 215
    ecall
    li a0, 0
    li a7, 93
    ecall
    unimp

/* Where a cancellation sends a thread: whatever it was doing, it does not come back. */
    .globl __cp_begin, __cp_end, __cp_cancel
    .weak __cancel /* cancel.c */
__cp_begin:
    unimp
__cp_end:
__cp_cancel:
    li s0, 0
    call __cancel
    unimp

    .section .note.GNU-stack, "", @progbits
