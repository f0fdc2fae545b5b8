/* SPDX-License-Identifier: MIT */
/* The first instruction of a process: gives it a thread pointer, then goes to C with the initial stack. */
    .text
    .globl _start
    .type _start, @function
_start:
    mov x29, #0
    mov x30, #0
    adrp x1, machine_boot_block
    add x1, x1, :lo12:machine_boot_block
    msr tpidr_el0, x1
    mov x0, sp
    and sp, x0, #-16
    bl popcorn_start
    udf #0

    .section .note.GNU-stack, "", @progbits
