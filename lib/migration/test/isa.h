/* SPDX-License-Identifier: MIT */
/* The unit tests need no machine, only a machine.h that compiles. */
#ifndef TEST_ISA_H
#define TEST_ISA_H

#define MACHINE_NAME "x86_64"
#define MACHINE_NREGS 12
#define MACHINE_SP 2
#define MACHINE_RA 1
#define MACHINE_JUMP_WORDS 8

#endif
