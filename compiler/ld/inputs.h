/* SPDX-License-Identifier: MIT */
/*
 * Looks at what is to be linked: everything must be bitcode, made by popcorn-clang, bare or in a section of
 * an ELF file. What is native code of one ISA cannot run on the others, so it is refused by name before
 * anything is done.
 */
#ifndef POPCORN_LD_INPUTS_H
#define POPCORN_LD_INPUTS_H

#include "arguments.h"

/* Checks all files and libraries of the command line; ends the program at the first that does not fit. */
void inputs_check(const struct arguments *);

/* Writes the bitcode of each file of the command line, archives' members too, to a file; the list of these.
 */
struct list inputs_extract(const struct arguments *);

/* Adds the names that an archive of native objects defines and refers to; names may be there several times.
 */
void inputs_names(const char *archive, struct list *defined, struct list *undefined);

#endif
