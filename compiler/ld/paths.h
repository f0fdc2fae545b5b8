/* SPDX-License-Identifier: MIT */
/*
 * Where the parts of a Popcorn build are, relative to popcorn-ld itself.
 */
#ifndef POPCORN_LD_PATHS_H
#define POPCORN_LD_PATHS_H

/* A new string: lib/popcorn/ + name, which must be there; ends the program if not. */
const char *paths_lib(const char *name);

#endif
