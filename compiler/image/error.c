/* SPDX-License-Identifier: MIT */
#include "popcorn/error.h"

#include <stdarg.h>
#include <stdio.h>

bool popcorn_fail(struct popcorn_error *error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}
