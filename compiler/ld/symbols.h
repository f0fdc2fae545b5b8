/* SPDX-License-Identifier: MIT */
/*
 * Which global names the resolving link saw, and where: lld writes them beside its module
 * (--save-temps=resolution). In the module itself, most have become internal.
 */
#ifndef POPCORN_LD_SYMBOLS_H
#define POPCORN_LD_SYMBOLS_H

#include <stdbool.h>

#include "arguments.h"

struct symbols {
    struct list global;   /* defined anywhere in the program */
    struct list exported; /* and what --export-dynamic and its like name of them */
    bool has_dlopen;      /* libc's: the program refers to it */
    bool has_dlsym;       /* or dladdr: somebody may find what is exported */
};

/* Reads lld's file; what is defined in `libc_folder` is exported by nobody. */
void symbols_read(struct symbols *, const char *path, const char *libc_folder);
void symbols_free(struct symbols *);

/* Writes them for the pass: compiler/pass/Symbols.cpp. */
void symbols_write(const struct symbols *, const char *path);

#endif
