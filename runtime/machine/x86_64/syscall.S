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
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %r10
    mov %r9, %r8
    mov 8(%rsp), %r9
.endm

    .text
FUNCTION machine_syscall
    ARGUMENTS
    syscall
    ret

FUNCTION machine_syscall_point
    ARGUMENTS
    .globl machine_point_begin, machine_point_end, machine_point_interrupted
machine_point_begin:
    cmpl $POPCORN_CANCEL_INTERRUPTED, %fs:POPCORN_TCB_CANCEL
    je machine_point_interrupted
    syscall
machine_point_end:
    ret
machine_point_interrupted:
    mov $-4, %rax                   /* -EINTR */
    ret

FUNCTION machine_clone
    and $-16, %rsi
    sub $16, %rsi
    mov %r9, (%rsi)                 /* fn and its argument wait on the child's stack */
    mov 8(%rsp), %rax
    mov %rax, 8(%rsi)
    mov %r8, %r10
    mov %rcx, %r8
    mov $56, %eax
    syscall
    test %eax, %eax
    jz 1f
    ret
1:  xor %ebp, %ebp
    pop %rax
    pop %rdi
    call *%rax
    mov %eax, %edi
    mov $60, %eax
    syscall
    ud2

FUNCTION machine_unmap_and_exit
    mov $11, %eax
    syscall
    xor %edi, %edi
    mov $60, %eax
    syscall
    ud2

FUNCTION machine_restorer
    mov $15, %eax
    syscall
    ud2

/* Where a cancellation sends a thread: whatever it was doing, it does not come back. */
    .globl __cp_begin, __cp_end, __cp_cancel
    .weak __cancel /* cancel.c */
__cp_begin:
    ud2
__cp_end:
__cp_cancel:
    xor %ebp, %ebp
    lea -128(%rsp), %rsp
    and $-16, %rsp
    call __cancel
    ud2

    .section .note.GNU-stack, "", @progbits
