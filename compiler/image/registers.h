/* SPDX-License-Identifier: MIT */
/*
 * The registers that a call site may name, ISA by ISA (runtime/machine/registers.h).
 */
#ifndef POPCORN_REGISTERS_H
#define POPCORN_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/registers.h"

/* Those of an ELF machine; null if it is none of ours. */
const struct machine_registers *registers_of(uint16_t machine);

/* Does a call keep a value in this register where capture finds it? `point`: a call of preserve_most. */
bool registers_kept(const struct machine_registers *, unsigned reg, bool point);

/* Can capture compute an address from this register: one that every call keeps, or the stack pointer? */
bool registers_base(const struct machine_registers *, unsigned reg);

#endif
