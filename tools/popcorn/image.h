/* SPDX-License-Identifier: MIT */
/* One ISA's ELF image of a popcorn program, read through its section headers and its symbol table. */
#ifndef POPCORN_COMMAND_IMAGE_H
#define POPCORN_COMMAND_IMAGE_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "popcorn/abi.h"
#include "popcorn/sites.h"

struct image {
    const char *isa;
    Elf *elf;
    uint64_t text, table, constants, data; /* bytes: code, call-site table, constants, variables */
    struct popcorn_sites sites;
};

/* What the pass wrote about functions and sites. All pointers are into the mapped file. */
struct program_tables {
    bool present; /* false if the file has been stripped */
    uint32_t nsites, nfunctions;
    const uint32_t *site_offset;
    const uint8_t *blob, *blob_end;
    const struct popcorn_func *functions;
    const char *names, *names_end;
};

/* Opens an image; `bytes` must stay mapped. Ends the command if it cannot be read. */
void image_open(struct image *image, const char *isa, const uint8_t *bytes, size_t size);

/* Reads the pass's tables out of an image. */
struct program_tables image_tables(const struct image *image);

/* The function that site belongs to, or NULL. */
const char *tables_site_function(const struct program_tables *tables, uint32_t site);

/* The name of a function by number, or NULL. */
const char *tables_function(const struct program_tables *tables, uint32_t function);

/* Calls visit(name, size, data) for every function symbol. */
void image_each_function(const struct image *image,
                         void (*visit)(const char *name, uint64_t size, void *data), void *data);

#endif
