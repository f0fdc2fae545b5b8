/* SPDX-License-Identifier: MIT */
/* System calls, threads, the end of a thread, and the return from a signal handler. */
#include "popcorn/abi.h"

.macro FUNCTION name
    .globl \name
    .type \name, @function
\name:
.endm

/* (number, a..f) of C to the kernel's registers. */
.macro ARGUMENTS
    mov x8, x0
    mov x0, x1
    mov x1, x2
    mov x2, x3
    mov x3, x4
    mov x4, x5
    mov x5, x6
.endm

    .text
FUNCTION machine_syscall
    ARGUMENTS
    svc #0
    ret

FUNCTION machine_syscall_point
    ARGUMENTS
    mrs x9, tpidr_el0
    .globl machine_point_begin, machine_point_end, machine_point_interrupted
machine_point_begin:
    ldr w10, [x9, #POPCORN_TCB_CANCEL]
    cmp w10, #POPCORN_CANCEL_INTERRUPTED
    b.eq machine_point_interrupted
    svc #0
machine_point_end:
    ret
machine_point_interrupted:
    mov x0, #-4                     /* -EINTR */
    ret

FUNCTION machine_clone
    and x1, x1, #-16
    stp x5, x6, [x1, #-16]!         /* fn and its argument wait on the child's stack */
    mov x8, #220
    svc #0
    cbz x0, 1f
    ret
1:  mov x29, #0
    ldp x9, x0, [sp], #16
    blr x9
    mov x8, #93
    svc #0
    udf #0

FUNCTION machine_unmap_and_exit
    mov x8, #215
    svc #0
    mov x0, #0
    mov x8, #93
    svc #0
    udf #0

FUNCTION machine_restorer
    mov x8, #139
    svc #0
    udf #0

/* Where a cancellation sends a thread: whatever it was doing, it does not come back. */
    .globl __cp_begin, __cp_end, __cp_cancel
    .weak __cancel /* cancel.c */
__cp_begin:
    udf #0
__cp_end:
__cp_cancel:
    mov x29, #0
    bl __cancel
    udf #0

    .section .note.GNU-stack, "", @progbits
