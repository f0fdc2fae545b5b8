/* SPDX-License-Identifier: MIT */
/*
 * An ELF file in memory: sections and symbols by name.
 */
#ifndef POPCORN_ELF_IMAGE_H
#define POPCORN_ELF_IMAGE_H

#include <gelf.h>
#include <stddef.h>
#include <stdint.h>

#include "popcorn/error.h"

struct elf_image {
    Elf *elf;
    uint8_t *bytes;
    size_t size;
    bool mapped; /* bytes is our own mapping */
    uint16_t machine;
    size_t names; /* section index of the section names */
};

struct elf_section {
    size_t index;
    const char *name;
    GElf_Shdr header;
    const uint8_t *bytes; /* null for a section without file contents */
};

struct elf_symbols { /* of .symtab; count is 0 if there is none */
    Elf_Data *data;
    size_t count, strings;
};

/* Opens a 64-bit little-endian ELF file, or one that lies in memory (bytes must outlive the image). */
bool elf_image_open(struct elf_image *, const char *path, struct popcorn_error *);
bool elf_image_memory(struct elf_image *, uint8_t *bytes, size_t size, const char *name,
                      struct popcorn_error *);
void elf_image_close(struct elf_image *);

/* Section by index, 1 and up. False behind the last, or if it lies outside of the file. */
bool elf_section_at(const struct elf_image *, size_t index, struct elf_section *);
bool elf_section_find(const struct elf_image *, const char *name, struct elf_section *);

void elf_symbols_open(const struct elf_image *, struct elf_symbols *);
/* Symbol by index below count; its name, never null. */
const char *elf_symbol_at(const struct elf_image *, const struct elf_symbols *, size_t index, GElf_Sym *);
/* Looks for a defined symbol. */
bool elf_symbol_find(const struct elf_image *, const char *name, GElf_Sym *);

/* The file's bytes at a virtual address, `size` of them; null if they are not all in one segment's contents.
 */
const uint8_t *elf_at_address(const struct elf_image *, uint64_t address, uint64_t size);

#endif
