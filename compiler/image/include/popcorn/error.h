/* SPDX-License-Identifier: MIT */
/*
 * What went wrong, as one line for the user. Functions that can fail take one, return false and set it.
 */
#ifndef POPCORN_ERROR_H
#define POPCORN_ERROR_H

#include <stdbool.h>

struct popcorn_error {
    char text[1024];
};

/* Sets the text; returns false, so that a failing function can return this call. */
__attribute__((format(printf, 2, 3))) bool popcorn_fail(struct popcorn_error *, const char *format, ...);

#endif
