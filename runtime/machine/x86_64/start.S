/* SPDX-License-Identifier: MIT */
/* The first instruction of a process: gives it a thread pointer, then goes to C with the initial stack. */
    .text
    .globl _start
    .type _start, @function
_start:
    xor %ebp, %ebp
    mov %rsp, %rbx
    mov $158, %eax                  /* arch_prctl(ARCH_SET_FS, block) */
    mov $0x1002, %edi
    mov $machine_boot_block, %esi
    syscall
    mov %rbx, %rdi
    and $-16, %rsp
    call popcorn_start
    ud2

    .section .note.GNU-stack, "", @progbits
