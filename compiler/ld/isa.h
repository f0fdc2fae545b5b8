/* SPDX-License-Identifier: MIT */
/*
 * What the linker must know of each ISA. An ISA is added by adding its row.
 */
#ifndef POPCORN_LD_ISA_H
#define POPCORN_LD_ISA_H

#include <stddef.h>

struct isa {
    const char *name;       /* as `uname -m` says it */
    const char *triple;     /* for opt */
    const char *emulation;  /* for ld.lld's -m */
    const char *cpu;        /* for opt: which instructions there are */
    const char *codegen[8]; /* further options of the code generator, null-terminated */
    struct isa_level {      /* what some machines have above the baseline, ended by one without a name */
        const char *name;   /* of --popcorn-isas; the ISA's name begins it */
        const char *cpu;    /* as opt names a processor */
        int number;         /* of machine_level() */
    } level[3];
};

const struct isa *isa_at(size_t index); /* null behind the last */
const struct isa *isa_find(const char *name);
const struct isa_level *isa_level(const struct isa *isa, const char *name); /* null if it has no such level */
const char *isa_names(void);                                                /* all of them, for messages */

#endif
