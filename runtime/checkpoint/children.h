/* SPDX-License-Identifier: MIT */
/* The children of a process that is written alone, which cannot come along. */
#ifndef CHECKPOINT_CHILDREN_H
#define CHECKPOINT_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>

/* Are there any? */
bool children_are_there(void);

/* Tells each of them, by one line. How many there are. */
uint32_t children_name(void (*tell)(const char *line, void *state), void *state);

#endif
