/* SPDX-License-Identifier: MIT */
/*
 * Ways between the program and the run time: entry stubs that save a struct machine_context, setjmp and
 * longjmp, the bottom of a native stack, and the jump back into a captured context.
 */
#include "isa.h"

#define CONTEXT (MACHINE_NREGS * 8)

/* Opens a frame with the caller's context at sp. Leaves the arguments alone. */
.macro SAVE_CONTEXT
    sub sp, sp, #CONTEXT
    SAVE_PRESERVED
.endm

.macro SAVE_PRESERVED
    stp x19, x20, [sp, #19*8]
    stp x21, x22, [sp, #21*8]
    stp x23, x24, [sp, #23*8]
    stp x25, x26, [sp, #25*8]
    stp x27, x28, [sp, #27*8]
    stp x29, x30, [sp, #29*8]
    add x9, sp, #CONTEXT
    str x9, [sp, #MACHINE_SP*8]
    add x9, sp, #72*8
    stp d8, d9, [x9, #0]
    stp d10, d11, [x9, #16]
    stp d12, d13, [x9, #32]
    stp d14, d15, [x9, #48]
.endm

.macro LEAVE
    ldr x30, [sp, #MACHINE_RA*8]
    add sp, sp, #CONTEXT
    ret
.endm

.macro FUNCTION name
    .globl \name
    .type \name, @function
\name:
.endm

    .text
/* Called by LLVM's preserve_most convention, which keeps x9 to x15 too. */
FUNCTION __popcorn_point
    sub sp, sp, #CONTEXT
    stp x9, x10, [sp, #9*8]
    stp x11, x12, [sp, #11*8]
    stp x13, x14, [sp, #13*8]
    str x15, [sp, #15*8]
    SAVE_PRESERVED
    mov x0, sp
    bl popcorn_point
    ldp x9, x10, [sp, #9*8]
    ldp x11, x12, [sp, #11*8]
    ldp x13, x14, [sp, #13*8]
    ldr x15, [sp, #15*8]
    LEAVE

FUNCTION __migrate_shim_internal
    SAVE_CONTEXT
    mov x1, x0
    mov x0, sp
    bl popcorn_migrate_shim
    LEAVE

FUNCTION __popcorn_fork
    SAVE_CONTEXT
    mov x0, sp
    bl popcorn_fork
    LEAVE

FUNCTION longjmp
FUNCTION _longjmp
    SAVE_CONTEXT
    mov w2, w1
    mov x1, x0
    mov x0, sp
    bl popcorn_longjmp
    udf #0

FUNCTION __popcorn_set_context
    SAVE_CONTEXT
    mov x3, x2
    mov x2, x1
    mov x1, x0
    mov x0, sp
    bl popcorn_set_context
    LEAVE

FUNCTION machine_resume_entry
    SAVE_CONTEXT
    str x0, [sp, #-16]!
    mov x1, x0
    add x0, sp, #16
    bl popcorn_resume_entry
    mov x9, x0
    ldr x0, [sp], #16
    ldr x30, [sp, #MACHINE_RA*8]
    add sp, sp, #CONTEXT
    br x9

/* Without a portable record: good on this native stack only. The pass puts __popcorn_setjmp in their place. */
FUNCTION setjmp
FUNCTION _setjmp
    mov w1, #0
FUNCTION sigsetjmp
FUNCTION __sigsetjmp
    mov x2, #0
    mov x3, #0
FUNCTION __popcorn_setjmp
    stp x19, x20, [x0, #0]
    stp x21, x22, [x0, #16]
    stp x23, x24, [x0, #32]
    stp x25, x26, [x0, #48]
    stp x27, x28, [x0, #64]
    stp x29, x30, [x0, #80]
    mov x9, sp
    str x9, [x0, #96]
    stp d8, d9, [x0, #104]
    stp d10, d11, [x0, #120]
    stp d12, d13, [x0, #136]
    stp d14, d15, [x0, #152]
    str x30, [sp, #-16]!
    bl popcorn_setjmp
    ldr x30, [sp], #16
    mov w0, #0
    ret

FUNCTION machine_jump
    ldp x19, x20, [x0, #0]
    ldp x21, x22, [x0, #16]
    ldp x23, x24, [x0, #32]
    ldp x25, x26, [x0, #48]
    ldp x27, x28, [x0, #64]
    ldp x29, x30, [x0, #80]
    ldr x9, [x0, #96]
    ldp d8, d9, [x0, #104]
    ldp d10, d11, [x0, #120]
    ldp d12, d13, [x0, #136]
    ldp d14, d15, [x0, #152]
    mov sp, x9
    mov w0, w1
    ret

FUNCTION machine_run
    mov sp, x0
    mov x29, #0
    mov x0, x2
    blr x1
    .globl machine_base
machine_base:
    bl popcorn_thread_returned
    udf #0

FUNCTION machine_resume_call
    ldp x19, x20, [x0, #19*8]
    ldp x21, x22, [x0, #21*8]
    ldp x23, x24, [x0, #23*8]
    ldp x25, x26, [x0, #25*8]
    ldp x27, x28, [x0, #27*8]
    ldp x29, x30, [x0, #29*8]
    ldr x9, [x0, #MACHINE_SP*8]
    add x10, x0, #72*8
    ldp d8, d9, [x10, #0]
    ldp d10, d11, [x10, #16]
    ldp d12, d13, [x10, #32]
    ldp d14, d15, [x10, #48]
    mov sp, x9
    mov x0, x2
    br x1

    .section .note.GNU-stack, "", @progbits
