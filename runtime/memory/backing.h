/* SPDX-License-Identifier: MIT */
/*
 * What backs portable memory once it is shared: a file as large as the layout, all zeros at first, of which
 * every process maps parts at their addresses. A memory file by default; for other machines /dev/popcorn.
 */
#ifndef MEMORY_BACKING_H
#define MEMORY_BACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_backing {
    /* A new one: a descriptor among the run time's own, or a negative errno. */
    int (*open)(void);

    /* As pwrite() of [start, start + size) of this process's memory, whatever it is, to the same addresses'
     * place in the file. Bytes written, or a negative errno. */
    long (*write)(int file, uint64_t start, size_t size);

    /* Does a child process inherit the mappings? */
    bool inherited;

    /*
     * At the origin: finds the first pages in [*start, *end) that may not be zeros, wherever they are, and
     * narrows the range to them; to nothing if there are none. 0, or a negative errno.
     */
    long (*present)(int file, uint64_t *start, uint64_t *end);

    /* Gives the pages of a range back: they read as zeros from now on, in every process. */
    void (*punch)(int file, uint64_t start, size_t size);
};

/* Set before memory_share(), at the origin; memory_file_backing if nobody does. */
extern const struct memory_backing *memory_backing;
extern const struct memory_backing memory_file_backing;

#endif
