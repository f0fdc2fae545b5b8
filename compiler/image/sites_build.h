/* SPDX-License-Identifier: MIT */
/*
 * Makes the call-site table of sites.h out of a linked image.
 */
#ifndef POPCORN_SITES_BUILD_H
#define POPCORN_SITES_BUILD_H

#include "buffer.h"
#include "elf_image.h"

/* Appends the table of an image with .llvm_stackmaps and .eh_frame; without stack maps it has no entries. */
bool sites_build(const struct elf_image *, uint64_t text_base, struct buffer *out, struct popcorn_error *);

#endif
