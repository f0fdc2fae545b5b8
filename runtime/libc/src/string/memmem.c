/* SPDX-License-Identifier: MIT */
/* As strstr.c, for haystacks and needles of given lengths. */
#define _GNU_SOURCE
#include <string.h>

#define memmem linear_search
static void *linear_search(const void *, size_t, const void *, size_t);
#include "string/memmem.c"
#undef memmem

const char *__popcorn_find(const char *, const char *, const char *, size_t, const char **);

void *memmem(const void *haystack, size_t size, const void *needle, size_t length) {
    const char *h = haystack, *n = needle, *end = h + size, *rest;
    if (!length)
        return (void *)h;
    if (size < length)
        return NULL;
    if (length == 1)
        return memchr(h, *n, size);
    if (!*n)
        return linear_search(h, size, n, length);
    const char *found = __popcorn_find(h, end, n, length, &rest);
    return rest ? linear_search(rest, (size_t)(end - rest), n, length) : (void *)found;
}
