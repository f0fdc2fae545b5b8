/* SPDX-License-Identifier: MIT */
/*
 * LLVM's .llvm_stackmaps, version 3: one record for each statepoint, at its return address.
 */
#ifndef POPCORN_STACKMAP_H
#define POPCORN_STACKMAP_H

#include <stddef.h>
#include <stdint.h>

#include "elf_image.h"
#include "popcorn/error.h"
#include "popcorn/sites.h"

struct stackmap_record {
    uint64_t address; /* return address */
    uint64_t id;
    uint32_t nlocations;
    uint32_t first; /* in stackmap.location */
};

struct stackmap {
    struct stackmap_record *record; /* ascending by address */
    size_t count;
    struct popcorn_location *location; /* of the deopt operands only */
    size_t nlocations;
};

/*
 * Reads the section of a linked image, if it has one. Fails, naming function and site, if a value is where
 * capture cannot find it (registers.h). `stackmap` is to be freed by stackmap_free(), after success only.
 */
bool stackmap_read(struct stackmap *, const struct elf_image *, struct popcorn_error *);
void stackmap_free(struct stackmap *);

#endif
