/* SPDX-License-Identifier: MIT */
/*
 * Do the images of one program agree on everything that a thread takes along from one to another?
 */
#ifndef POPCORN_COMPARE_H
#define POPCORN_COMPARE_H

#include "elf_image.h"

struct compared_image {
    struct elf_image elf;
    const char *name; /* for messages */
};

/*
 * Compares each image with the first: bytes of .popcorn.rodata and .popcorn.data, size of .popcorn.bss, names
 * and addresses of everything in them and in the portable text [text_begin, text_end), and which slots are
 * live at each call site. False names the first difference.
 */
bool images_compare(const struct compared_image *, size_t count, uint64_t text_begin, uint64_t text_end,
                    struct popcorn_error *);

#endif
