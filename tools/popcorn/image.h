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

/* The functions that may migrate. The names are in the mapped file. */
struct program_tables {
    const char **name; /* NULL if the file has been stripped */
    uint32_t nfunctions;
};

/* Opens an image; `bytes` must stay mapped. Ends the command if it cannot be read. */
void image_open(struct image *image, const char *isa, const uint8_t *bytes, size_t size);

/* Reads their names out of an image. To be freed: tables.name. */
struct program_tables image_tables(const struct image *image);

/* The name of a function by number, or NULL. */
const char *tables_function(const struct program_tables *tables, uint32_t function);

/* Calls visit(name, size, data) for every function symbol. */
void image_each_function(const struct image *image,
                         void (*visit)(const char *name, uint64_t size, void *data), void *data);

#endif
