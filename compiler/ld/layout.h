/* SPDX-License-Identifier: MIT */
/*
 * Gives each portable function one address that fits every ISA: its code may be of different size everywhere.
 */
#ifndef POPCORN_LD_LAYOUT_H
#define POPCORN_LD_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "elf_image.h"

enum { LAYOUT_FUNCTION_ALIGN = 16 };

struct layout {
    uint64_t *offset; /* of portable function N from the beginning of .text */
    size_t count;
    uint64_t end; /* behind the last, in every image */
};

/*
 * Computes the layout from the ISAs' object files. Fails if they have not the same portable functions, or
 * have data where only the run time may have some.
 */
bool layout_make(struct layout *, const struct elf_image *objects, size_t nobjects, struct popcorn_error *);
void layout_free(struct layout *);

#endif
