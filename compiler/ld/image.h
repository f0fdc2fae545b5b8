/* SPDX-License-Identifier: MIT */
/*
 * From the neutral module to the images of all ISAs.
 */
#ifndef POPCORN_LD_IMAGE_H
#define POPCORN_LD_IMAGE_H

#include "arguments.h"

/*
 * Generates code, lays it out, links and compares the images of all ISAs asked for. Returns their paths, in
 * the order of arguments->isas. Ends the program on failure.
 */
struct list images_make(const struct arguments *, const char *module);

#endif
