/* SPDX-License-Identifier: MIT */
/*
 * Puts several images into one executable file, as popcorn/container.h says.
 */
#ifndef POPCORN_CONTAINER_WRITE_H
#define POPCORN_CONTAINER_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "popcorn/error.h"

struct container_image {
    const char *isa;
    const uint8_t *bytes; /* a whole ELF file with a call-site table */
    size_t size;
};

/* How images are packed: large ones for a file that stays, or all fast, as somebody waits. */
enum container_packing { CONTAINER_SMALL, CONTAINER_FAST };

/* Appends the file to `out`. The first image is the native one; the others are packed, the same bytes always
 * in the same way. */
bool container_write(const struct container_image *, size_t count, enum container_packing, struct buffer *out,
                     struct popcorn_error *);

#endif
