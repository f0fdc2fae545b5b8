/* SPDX-License-Identifier: MIT */
/* The beginning of a process, and its argument block. */
#ifndef START_START_H
#define START_START_H

/* What the kernel put on the initial stack. */
struct start_block {
    int argc;
    char **argv, **environment;
    const unsigned long *auxv; /* pairs, ended by a type of 0 */
};

/* The value of a type of the auxiliary vector, or 0. */
unsigned long start_auxiliary(const unsigned long *auxv, unsigned long type);

/*
 * A copy of all that in portable memory, as _start_c takes it: argc, argv, NULL, environment, NULL, auxv.
 * What belongs to this machine alone (vDSO, hardware capabilities) is left out, and the program headers are
 * those of the portable program. NULL if there is no memory.
 */
void *start_portable_copy(const struct start_block *);

/* machine/<isa>'s _start comes here. */
_Noreturn void popcorn_start(long *initial_stack);

#endif
