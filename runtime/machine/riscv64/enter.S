/* SPDX-License-Identifier: MIT */
/*
 * Ways between the program and the run time: entry stubs that save a struct machine_context, setjmp and
 * longjmp, the bottom of a native stack, and the jump back into a captured context.
 */
#include "isa.h"

#define CONTEXT (MACHINE_NREGS * 8)

/* Stores (op sd, fsd) or loads (op ld, fld) s0-s11 and fs0-fs11 at their DWARF numbers from base. */
.macro SAVED_REGISTERS op, fop, base
    \op s0, 8*8(\base)
    \op s1, 9*8(\base)
    \op s2, 18*8(\base)
    \op s3, 19*8(\base)
    \op s4, 20*8(\base)
    \op s5, 21*8(\base)
    \op s6, 22*8(\base)
    \op s7, 23*8(\base)
    \op s8, 24*8(\base)
    \op s9, 25*8(\base)
    \op s10, 26*8(\base)
    \op s11, 27*8(\base)
    \fop fs0, 40*8(\base)
    \fop fs1, 41*8(\base)
    \fop fs2, 50*8(\base)
    \fop fs3, 51*8(\base)
    \fop fs4, 52*8(\base)
    \fop fs5, 53*8(\base)
    \fop fs6, 54*8(\base)
    \fop fs7, 55*8(\base)
    \fop fs8, 56*8(\base)
    \fop fs9, 57*8(\base)
    \fop fs10, 58*8(\base)
    \fop fs11, 59*8(\base)
.endm

/* The same registers packed, as a jmp_buf has them: s0-s11, then sp and ra (not done here), then fs0-fs11. */
.macro JUMP_REGISTERS op, fop, base
    \op s0, 0*8(\base)
    \op s1, 1*8(\base)
    \op s2, 2*8(\base)
    \op s3, 3*8(\base)
    \op s4, 4*8(\base)
    \op s5, 5*8(\base)
    \op s6, 6*8(\base)
    \op s7, 7*8(\base)
    \op s8, 8*8(\base)
    \op s9, 9*8(\base)
    \op s10, 10*8(\base)
    \op s11, 11*8(\base)
    \fop fs0, 14*8(\base)
    \fop fs1, 15*8(\base)
    \fop fs2, 16*8(\base)
    \fop fs3, 17*8(\base)
    \fop fs4, 18*8(\base)
    \fop fs5, 19*8(\base)
    \fop fs6, 20*8(\base)
    \fop fs7, 21*8(\base)
    \fop fs8, 22*8(\base)
    \fop fs9, 23*8(\base)
    \fop fs10, 24*8(\base)
    \fop fs11, 25*8(\base)
.endm

/* Opens a frame with the caller's context at sp. Leaves the arguments alone. */
.macro SAVE_CONTEXT
    addi sp, sp, -CONTEXT
    SAVED_REGISTERS sd, fsd, sp
    addi t0, sp, CONTEXT
    sd t0, MACHINE_SP*8(sp)
    sd ra, MACHINE_RA*8(sp)
.endm

.macro LEAVE
    ld ra, MACHINE_RA*8(sp)
    addi sp, sp, CONTEXT
    ret
.endm

.macro FUNCTION name
    .globl \name
    .type \name, @function
\name:
.endm

    .text
FUNCTION __popcorn_point
    SAVE_CONTEXT
    mv a0, sp
    call popcorn_point
    LEAVE

FUNCTION __migrate_shim_internal
    SAVE_CONTEXT
    mv a1, a0
    mv a0, sp
    call popcorn_migrate_shim
    LEAVE

FUNCTION __popcorn_fork
    SAVE_CONTEXT
    mv a0, sp
    call popcorn_fork
    LEAVE

FUNCTION longjmp
FUNCTION _longjmp
    SAVE_CONTEXT
    mv a2, a1
    mv a1, a0
    mv a0, sp
    call popcorn_longjmp
    unimp

FUNCTION __popcorn_set_context
    SAVE_CONTEXT
    mv a3, a2
    mv a2, a1
    mv a1, a0
    mv a0, sp
    call popcorn_set_context
    LEAVE

FUNCTION machine_resume_entry
    SAVE_CONTEXT
    addi sp, sp, -16
    sd a0, 0(sp)
    mv a1, a0
    addi a0, sp, 16
    call popcorn_resume_entry
    mv t0, a0
    ld a0, 0(sp)
    addi sp, sp, 16
    ld ra, MACHINE_RA*8(sp)
    addi sp, sp, CONTEXT
    jr t0

/* Without a portable record: good on this native stack only. The pass puts __popcorn_setjmp in their place. */
FUNCTION setjmp
FUNCTION _setjmp
    li a1, 0
FUNCTION sigsetjmp
FUNCTION __sigsetjmp
    li a2, 0
    li a3, 0
FUNCTION __popcorn_setjmp
    JUMP_REGISTERS sd, fsd, a0
    sd sp, 12*8(a0)
    sd ra, 13*8(a0)
    addi sp, sp, -16
    sd ra, 8(sp)
    call popcorn_setjmp
    ld ra, 8(sp)
    addi sp, sp, 16
    li a0, 0
    ret

FUNCTION machine_jump
    JUMP_REGISTERS ld, fld, a0
    ld sp, 12*8(a0)
    ld ra, 13*8(a0)
    mv a0, a1
    ret

FUNCTION machine_run
    mv sp, a0
    li s0, 0
    mv a0, a2
    jalr a1
    .globl machine_base
machine_base:
    call popcorn_thread_returned
    unimp

FUNCTION machine_resume_call
    SAVED_REGISTERS ld, fld, a0
    ld ra, MACHINE_RA*8(a0)
    ld sp, MACHINE_SP*8(a0)
    mv a0, a2
    jr a1

    .section .note.GNU-stack, "", @progbits
