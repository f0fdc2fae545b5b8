/* SPDX-License-Identifier: MIT */
/* vsnprintf, in place of musl's, which copies all that it prints through two buffers: here a stream's buffer
 * is the target. */
#include "stdio_impl.h"
#include <errno.h>
#include <limits.h>
#include <string.h>

/* What does not fit is counted, and forgotten. */
static size_t keep_first(FILE *f, const unsigned char *text, size_t length) {
    size_t room = (size_t)(f->wend - f->wpos), kept = length < room ? length : room;
    if (kept)
        memcpy(f->wpos, text, kept);
    f->wpos += kept;
    return length;
}

int vsnprintf(char *restrict s, size_t n, const char *restrict format, va_list arguments) {
    unsigned char none[1];
    if (n > INT_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    FILE f = {
        .lbf = EOF,
        .write = keep_first,
        .lock = -1,
        .buf = n > 1 ? (unsigned char *)s : none,
        .buf_size = n > 1 ? n - 1 : sizeof none,
    };
    int length = vfprintf(&f, format, arguments);
    if (n)
        *(n > 1 ? f.wpos : (unsigned char *)s) = 0;
    return length;
}
