/* SPDX-License-Identifier: MIT */
/*
 * From inputs to one neutral module: symbol resolution by ld.lld's LTO, then the pass.
 */
#ifndef POPCORN_LD_MODULE_H
#define POPCORN_LD_MODULE_H

#include "arguments.h"

/* Makes the module; returns its path in the work folder. Ends the program on undefined symbols and the like.
 */
const char *module_make(const struct arguments *);

/* -r: joins the inputs into one bitcode file at `output`. */
void module_join(const struct arguments *, const char *output);

#endif
