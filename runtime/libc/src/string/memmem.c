/* SPDX-License-Identifier: MIT */
/* As strstr.c, for haystacks and needles of given lengths. */
#define _GNU_SOURCE
#include <string.h>

#define memmem linear_search
static void *linear_search(const void *, size_t, const void *, size_t);
#include "string/memmem.c"
#undef memmem

const char *__popcorn_pair(const char *, const char *, unsigned char, unsigned char);

void *memmem(const void *haystack, size_t size, const void *needle, size_t length) {
    const char *h = haystack, *n = needle, *end = h + size;
    size_t spent = 0;
    if (!length)
        return (void *)h;
    if (size < length)
        return NULL;
    if (length == 1)
        return memchr(h, *n, size);
    if (!*n)
        return linear_search(h, size, n, length);
    while ((h = __popcorn_pair(h, end - length + 2, n[0], n[1]))) {
        if (!memcmp(h, n, length))
            return (void *)h;
        spent += 16;
        if (spent > 512 + 2 * (size_t)(h - (const char *)haystack))
            return linear_search(h, (size_t)(end - h), n, length);
        h++;
    }
    return NULL;
}
