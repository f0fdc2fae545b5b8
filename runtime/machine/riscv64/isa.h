/* SPDX-License-Identifier: MIT */
/* riscv64 in numbers; DWARF register numbers of the RISC-V psABI. Included from C and assembly. */
#ifndef POPCORN_ISA_H
#define POPCORN_ISA_H

#define MACHINE_NAME "riscv64"
#define MACHINE_TRAP_SIGNAL 4 /* SIGILL, by __builtin_trap() */
#define MACHINE_NREGS 64 /* f0 is 32 */
#define MACHINE_SP 2
#define MACHINE_RA 1
#define MACHINE_JUMP_WORDS 26 /* s0 to s11, sp, ra, fs0 to fs11 */

#endif
