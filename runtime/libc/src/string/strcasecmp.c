/* SPDX-License-Identifier: MIT */
/* In place of musl's: strcasecmp itself is native (runtime/machine/compare.c). */
#include <string.h>
#include <strings.h>

int __strcasecmp_l(const char *a, const char *b, locale_t locale) {
    return strcasecmp(a, b);
}

int __strncasecmp_l(const char *a, const char *b, size_t n, locale_t locale) {
    return strncasecmp(a, b, n);
}

weak_alias(__strcasecmp_l, strcasecmp_l);
weak_alias(__strncasecmp_l, strncasecmp_l);
