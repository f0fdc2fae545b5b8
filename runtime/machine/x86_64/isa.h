/* SPDX-License-Identifier: MIT */
/* x86_64 in numbers; DWARF register numbers of the System V psABI. Included from C and assembly. */
#ifndef POPCORN_ISA_H
#define POPCORN_ISA_H

#define MACHINE_NAME "x86_64"
#define MACHINE_TRAP_SIGNAL 4 /* SIGILL, by __builtin_trap() */
#define MACHINE_NREGS 17
#define MACHINE_SP 7
#define MACHINE_RA 16
#define MACHINE_JUMP_WORDS 8 /* rbx rbp r12 r13 r14 r15 rsp rip */

#endif
