/* SPDX-License-Identifier: MIT */
/*
 * What the unit tests of compiler/ share: linked images and object files of the .ll files here, made by
 * CMake for each ISA, in the folder TEST_FILES.
 */
#ifndef POPCORN_TEST_FILES_H
#define POPCORN_TEST_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "elf_image.h"

enum { TEST_ISAS = 3 };
static const char *const test_isas[TEST_ISAS] = {"x86_64", "aarch64", "riscv64"};

/* The whole file TEST_FILES/<isa>.<what>; fails the test if it cannot be read. */
struct buffer test_file(const char *isa, const char *what);

/* An ELF image over a copy of that file, which may be altered. */
struct elf_image test_image(const char *isa, const char *what);

/* The call-site table of one of an ISA's linked images: "statepoint.elf", "zero.elf" or "many.elf". */
struct buffer test_table(const char *isa, const char *program);

/* An image with that table in it, as popcorn-ld's second link makes it. */
struct buffer test_final(const char *isa);

#endif
