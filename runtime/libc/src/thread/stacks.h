/* SPDX-License-Identifier: MIT */
/*
 * Stacks of threads that were joined, kept for those to come: mapping one, and its first pages, takes longer
 * than all else in pthread_create. A few of ordinary size.
 */
#ifndef POPCORN_STACKS_H
#define POPCORN_STACKS_H

#include <stddef.h>

/* A mapping of that size whose first `guard` bytes are not accessible, with what its last thread left in it;
 * or NULL. */
void *__popcorn_stack_take(size_t size, size_t guard);

/* Keeps such a mapping, or unmaps it. */
void __popcorn_stack_give(void *base, size_t size, size_t guard);

#endif
