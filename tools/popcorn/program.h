/* SPDX-License-Identifier: MIT */
/* A popcorn program's file, opened: its images as memory. */
#ifndef POPCORN_COMMAND_PROGRAM_H
#define POPCORN_COMMAND_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "popcorn/container.h"

struct program {
    const char *path;
    int fd;
    const uint8_t *bytes; /* the whole file, mapped read-only until the command ends */
    size_t size;
    struct popcorn_container container;
    struct buffer image[POPCORN_MANIFEST_IMAGES]; /* unpacked when they are asked for */
};

/*
 * Opens and checks the file: a foreign, cut or altered one ends the command with one line. `p` must stay
 * where it is while the container is in use.
 */
void program_open(struct program *p, const char *path);

/* Is it a popcorn program's file that can be opened? */
bool program_is(const char *path);

/*
 * The ELF image with this index in the manifest, and its size in bytes; 0 is the file itself. It stays until
 * the command ends.
 */
const uint8_t *program_image(struct program *p, unsigned index, size_t *size);

/*
 * The same program with another image in front, as popcorn-ld would have made it on that ISA's machine. To be
 * freed by the caller.
 */
struct buffer program_with_front(struct program *p, unsigned index);

/* The path of an executable as execvp() would look for it; the result lives as long as the command. */
const char *program_find(const char *name);

/* This machine's ISA. */
const char *machine_isa(void);

#endif
