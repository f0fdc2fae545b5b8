/* SPDX-License-Identifier: MIT */
/*
 * Looks for the needle's first two bytes block by block (runtime/machine/string.c), and compares there. Where
 * that finds too many places that are none, musl's own search takes over, whose time is in proportion to the
 * haystack's length.
 */
#include <string.h>

#define strstr linear_search
static char *linear_search(const char *, const char *);
#include "string/strstr.c"
#undef strstr

const char *__popcorn_find(const char *, const char *, const char *, size_t, const char **);

char *strstr(const char *haystack, const char *needle) {
    const char *rest;
    if (!needle[0])
        return (char *)haystack;
    if (!needle[1])
        return strchr(haystack, needle[0]);
    const char *found = __popcorn_find(haystack, NULL, needle, strlen(needle), &rest);
    return rest ? linear_search(rest, needle) : (char *)found;
}
