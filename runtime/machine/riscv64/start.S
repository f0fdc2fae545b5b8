/* SPDX-License-Identifier: MIT */
/* The first instruction of a process: gives it a thread pointer, then goes to C with the initial stack. */
    .text
    .globl _start
    .type _start, @function
_start:
    li s0, 0
    li ra, 0
    lla tp, machine_boot_block
    mv a0, sp
    andi sp, sp, -16
    call popcorn_start
    unimp

    .section .note.GNU-stack, "", @progbits
