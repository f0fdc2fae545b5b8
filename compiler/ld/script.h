/* SPDX-License-Identifier: MIT */
/*
 * The linker script of one image.
 */
#ifndef POPCORN_LD_SCRIPT_H
#define POPCORN_LD_SCRIPT_H

#include "buffer.h"
#include "layout.h"

/* Where .text begins: the ELF and program headers are before it. */
#define SCRIPT_TEXT_START (POPCORN_TEXT_BASE + 0x400)

/*
 * Appends the script. With `sites`, the path of a raw table, that becomes .popcorn.sites and what it was made
 * of is left out; without it (null) .llvm_stackmaps and .eh_frame are in the image. Nothing else moves
 * between the two.
 */
void script_write(struct buffer *, const struct layout *, const char *sites);

/* Does the script define this name? */
bool script_defines(const char *name);

#endif
