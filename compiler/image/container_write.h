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

/* Appends the file to `out`. The first image is the native one. */
bool container_write(const struct container_image *, size_t count, struct buffer *out,
                     struct popcorn_error *);

#endif
