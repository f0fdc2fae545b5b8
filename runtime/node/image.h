/* SPDX-License-Identifier: MIT */
/* The images of the other ISAs, in the executable that this process runs. */
#ifndef NODE_IMAGE_H
#define NODE_IMAGE_H

#include <stdbool.h>

#include "popcorn/backend.h"
#include "popcorn/container.h"

/* Reads the executable's manifest; one without images if it has none. False if it is damaged. */
bool image_manifest(struct popcorn_manifest *);

/* From now on the program's file is this descriptor, one of the run time's own, instead of /proc/self/exe. */
void image_program_is(int file);

/* Opens the program's file. A descriptor, or a negative errno. */
int image_program(void);

/*
 * Unpacks an ISA's image, checked against its hash, to a memory file (the native one: opens the executable
 * itself). A descriptor, or a negative errno with a reason.
 */
int image_open(const char *isa, char reason[POPCORN_REASON_SIZE]);

#endif
