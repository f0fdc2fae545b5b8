/* SPDX-License-Identifier: MIT */
/* Unpacking what popcorn-ld has packed with zstd. */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include <stddef.h>

/* Bytes of memory, aligned to 8, that unpack() works in. */
size_t unpack_room(void);

/* Unpacks one frame of `stored` bytes, which may hold anything, to exactly `size` bytes. 0 or -E_NOEXEC. */
int unpack(void *to, size_t size, const void *from, size_t stored, void *room);

#endif
