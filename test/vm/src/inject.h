/* SPDX-License-Identifier: MIT */
/* The kernel's fault injection: of the allocations that certain code makes, one fails. */
#ifndef INJECT_H
#define INJECT_H

#include "vm.h"

struct injector {
    const char *folder; /* in debugfs */
    unsigned long seen; /* allocations that it has counted */
    unsigned long due;  /* the one that fails */
};

/* Where a function of the kernel's own is; where the module is, in these machines the only one. */
void code_of_function(const char *name, unsigned long *start, unsigned long *end);
void code_of_module(unsigned long *start, unsigned long *end);

/* Allocations count that are made under code in this range; `pages`: it is the page allocator's injector. */
void inject_prepare(const struct injector *, bool pages, unsigned long start, unsigned long end);

/* From now on the nth one fails. */
void inject_arm(struct injector *, unsigned long nth);

/* Whether it has; then it is known how many were counted. */
bool inject_disarm(struct injector *);

/* Allocations of each kind, until the one that is still due has failed: then it is known how many there were.
 */
void inject_catch_up(struct injector *);

#endif
