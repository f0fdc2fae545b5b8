/* SPDX-License-Identifier: MIT */
/*
 * Takes images out of an executable file that holds several.
 */
#ifndef POPCORN_CONTAINER_UNPACK_H
#define POPCORN_CONTAINER_UNPACK_H

#include "buffer.h"
#include "popcorn/container.h"
#include "popcorn/error.h"

/* Appends image `index`, not the native one, of an opened container to `out`. False if it was cut or changed.
 */
bool container_unpack(const struct popcorn_container *, unsigned index, struct buffer *out,
                      struct popcorn_error *);

#endif
