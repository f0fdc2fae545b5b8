/* SPDX-License-Identifier: MIT */
/*
 * popcorn-ld's command line: GNU ld's, as compiler drivers write it. Options that have no meaning for a
 * static program of several ISAs are dropped, those that ask for something else are refused.
 */
#ifndef POPCORN_LD_ARGUMENTS_H
#define POPCORN_LD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct list { /* of strings; all zero: empty */
    const char **item;
    size_t count, capacity;
};

void list_add(struct list *, const char *);
bool list_has(const struct list *, const char *);

enum link_mode { LINK_PROGRAM, LINK_RELOCATABLE, LINK_VERSION, LINK_HELP };

struct arguments {
    enum link_mode mode;
    const char *output;
    struct list isas;    /* in the order asked for; the build machine's, if among them, comes first */
    struct list levels;  /* of these ISAs */
    struct list resolve; /* what goes to the link that resolves symbols: inputs and options, in order */
    struct list image;   /* what goes to the link of each image besides: --defsym and the like */
    struct list inputs;  /* files named, in order */
    struct list libraries, search; /* -l and -L */
    struct list llvm;              /* -mllvm: options of the optimiser */
    struct list keep;              /* names that must stay visible: -u, operands of --defsym */
    const char *keep_temps;        /* a folder, or null */
    const char *map;               /* -Map: of the first image */
    const char *optimise;          /* "0" … "3" */
    bool migration;                /* false: --popcorn-no-migration */
    bool show_time;                /* --popcorn-time */
    bool vectorise_loops, vectorise_blocks, unroll;
    bool verbose, show_version, strip_all, strip_debug;
};

/* Reads the command line; on wrong use says so in one line and exits. */
void arguments_read(struct arguments *, int argc, char **argv);

#endif
