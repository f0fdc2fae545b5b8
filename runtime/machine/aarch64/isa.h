/* SPDX-License-Identifier: MIT */
/* aarch64 in numbers; DWARF register numbers of AADWARF64. Included from C and assembly. */
#ifndef POPCORN_ISA_H
#define POPCORN_ISA_H

#define MACHINE_NAME "aarch64"
#define MACHINE_TRAP_SIGNAL 5 /* SIGTRAP, by __builtin_trap() */
#define MACHINE_NREGS 80 /* d8 to d15 are 72 to 79 */
#define MACHINE_SP 31
#define MACHINE_RA 30
#define MACHINE_JUMP_WORDS 21 /* x19 to x30, sp, d8 to d15 */

#endif
