/* SPDX-License-Identifier: MIT */
/*
 * Ways between the program and the run time: entry stubs that save a struct machine_context, setjmp and
 * longjmp, the bottom of a native stack, and the jump back into a captured context.
 */
#include "isa.h"

#define CONTEXT (MACHINE_NREGS * 8)     /* 8 more than a multiple of 16: a call is aligned below it */

/* Opens a frame with the caller's context at (%rsp). Leaves the arguments alone. */
.macro SAVE_CONTEXT
    sub $CONTEXT, %rsp
    SAVE_PRESERVED
.endm

.macro SAVE_PRESERVED
    mov %rbx, 3*8(%rsp)
    mov %rbp, 6*8(%rsp)
    mov %r12, 12*8(%rsp)
    mov %r13, 13*8(%rsp)
    mov %r14, 14*8(%rsp)
    mov %r15, 15*8(%rsp)
    lea CONTEXT+8(%rsp), %rax
    mov %rax, MACHINE_SP*8(%rsp)
    mov CONTEXT(%rsp), %rax
    mov %rax, MACHINE_RA*8(%rsp)
.endm

.macro FUNCTION name
    .globl \name
    .type \name, @function
\name:
.endm

    .text
/* Called by LLVM's preserve_most convention: of the general registers it may change r11 only. */
FUNCTION __popcorn_point
    sub $CONTEXT, %rsp
    mov %rax, 0*8(%rsp)
    mov %rdx, 1*8(%rsp)
    mov %rcx, 2*8(%rsp)
    mov %rsi, 4*8(%rsp)
    mov %rdi, 5*8(%rsp)
    mov %r8, 8*8(%rsp)
    mov %r9, 9*8(%rsp)
    mov %r10, 10*8(%rsp)
    SAVE_PRESERVED
    mov %rsp, %rdi
    call popcorn_point
    mov 0*8(%rsp), %rax
    mov 1*8(%rsp), %rdx
    mov 2*8(%rsp), %rcx
    mov 4*8(%rsp), %rsi
    mov 5*8(%rsp), %rdi
    mov 8*8(%rsp), %r8
    mov 9*8(%rsp), %r9
    mov 10*8(%rsp), %r10
    add $CONTEXT, %rsp
    ret

FUNCTION __migrate_shim_internal
    SAVE_CONTEXT
    mov %rdi, %rsi
    mov %rsp, %rdi
    call popcorn_migrate_shim
    add $CONTEXT, %rsp
    ret

FUNCTION __popcorn_fork
    SAVE_CONTEXT
    mov %rsp, %rdi
    call popcorn_fork
    add $CONTEXT, %rsp
    ret

FUNCTION longjmp
FUNCTION _longjmp
    SAVE_CONTEXT
    mov %esi, %edx
    mov %rdi, %rsi
    mov %rsp, %rdi
    call popcorn_longjmp
    ud2

FUNCTION __popcorn_set_context
    SAVE_CONTEXT
    mov %rdx, %rcx
    mov %rsi, %rdx
    mov %rdi, %rsi
    mov %rsp, %rdi
    call popcorn_set_context
    add $CONTEXT, %rsp
    ret

FUNCTION machine_resume_entry
    SAVE_CONTEXT
    sub $16, %rsp
    mov %rdi, (%rsp)
    mov %rdi, %rsi
    lea 16(%rsp), %rdi
    call popcorn_resume_entry
    mov (%rsp), %rdi
    add $CONTEXT+16, %rsp
    jmp *%rax

/* Without a portable record: good on this native stack only. The pass puts __popcorn_setjmp in their place. */
FUNCTION setjmp
FUNCTION _setjmp
    xor %esi, %esi
FUNCTION sigsetjmp
FUNCTION __sigsetjmp
    xor %edx, %edx
    xor %ecx, %ecx
FUNCTION __popcorn_setjmp
    mov %rbx, 0*8(%rdi)
    mov %rbp, 1*8(%rdi)
    mov %r12, 2*8(%rdi)
    mov %r13, 3*8(%rdi)
    mov %r14, 4*8(%rdi)
    mov %r15, 5*8(%rdi)
    lea 8(%rsp), %rax
    mov %rax, 6*8(%rdi)
    mov (%rsp), %rax
    mov %rax, 7*8(%rdi)
    sub $8, %rsp
    call popcorn_setjmp
    add $8, %rsp
    xor %eax, %eax
    ret

FUNCTION machine_jump
    mov 0*8(%rdi), %rbx
    mov 1*8(%rdi), %rbp
    mov 2*8(%rdi), %r12
    mov 3*8(%rdi), %r13
    mov 4*8(%rdi), %r14
    mov 5*8(%rdi), %r15
    mov 6*8(%rdi), %rsp
    mov %esi, %eax
    jmp *7*8(%rdi)

FUNCTION machine_run
    mov %rdi, %rsp
    xor %ebp, %ebp
    mov %rdx, %rdi
    call *%rsi
    .globl machine_base
machine_base:
    mov %rax, %rdi
    call popcorn_thread_returned
    ud2

FUNCTION machine_resume_call
    mov 3*8(%rdi), %rbx
    mov 6*8(%rdi), %rbp
    mov 12*8(%rdi), %r12
    mov 13*8(%rdi), %r13
    mov 14*8(%rdi), %r14
    mov 15*8(%rdi), %r15
    mov MACHINE_RA*8(%rdi), %rax
    mov MACHINE_SP*8(%rdi), %rsp
    mov %rdx, %rdi
    push %rax
    jmp *%rsi

    .section .note.GNU-stack, "", @progbits
