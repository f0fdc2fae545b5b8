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

const char *__popcorn_pair(const char *, const char *, unsigned char, unsigned char);

char *strstr(const char *haystack, const char *needle) {
    if (!needle[0])
        return (char *)haystack;
    if (!needle[1])
        return strchr(haystack, needle[0]);
    size_t length = strlen(needle), spent = 0;
    const char *h = haystack;
    while ((h = __popcorn_pair(h, NULL, needle[0], needle[1]))) {
        size_t same = 2;
        while (same < length && h[same] == needle[same])
            same++;
        if (same == length)
            return (char *)h;
        spent += same + 16;
        if (spent > 512 + 2 * (size_t)(h - haystack))
            return linear_search(h, needle);
        h++;
    }
    return NULL;
}
