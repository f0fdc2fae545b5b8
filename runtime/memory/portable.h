/* SPDX-License-Identifier: MIT */
#ifndef MEMORY_PORTABLE_H
#define MEMORY_PORTABLE_H

#include <stddef.h>

/*
 * Whole pages of portable memory, zeroed, at the same address in every process of the program (private until
 * memory is shared, as all of it). NULL if there is none. Thread-safe; not for signal handlers.
 */
void *popcorn_portable_map(size_t bytes);
void popcorn_portable_unmap(void *address, size_t bytes);

#endif
