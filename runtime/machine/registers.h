/* SPDX-License-Identifier: MIT */
/*
 * What an ISA tells popcorn-ld of its registers: machine/<isa>/registers.h defines machine_registers_<isa>,
 * by the DWARF numbers of its psABI. It is a closed list. What a stack map or a frame rule may name is what
 * the stubs in enter.S put into a struct machine_context; a program for which LLVM names anything else is not
 * linked.
 */
#ifndef POPCORN_MACHINE_REGISTERS_H
#define POPCORN_MACHINE_REGISTERS_H

#include <stdint.h>

enum { MACHINE_NO_REGISTER = 0xff }; /* also the end of a list */

struct machine_registers {
    uint16_t machine;             /* e_machine of its ELF files */
    uint8_t count;                /* as many numbers as the psABI gives out */
    uint8_t stack_pointer;        /* may be the base of an address, but is no value */
    uint8_t return_address;       /* is saved by every function, but is no value */
    uint8_t zero;                 /* where a value is, this number stands for the constant 0 */
    const uint8_t *kept;          /* by every call */
    const uint8_t *kept_at_point; /* by calls of LLVM's preserve_most convention, besides */
};

#endif
