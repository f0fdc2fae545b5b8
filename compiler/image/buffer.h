/* SPDX-License-Identifier: MIT */
/*
 * A growing run of bytes. Memory running out ends the program with one line: these are tools.
 */
#ifndef POPCORN_BUFFER_H
#define POPCORN_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer { /* all zero: empty */
    uint8_t *bytes;
    size_t size, capacity;
};

/* Appends n bytes from `from`, or n zero bytes if `from` is null. */
void buffer_put(struct buffer *, const void *from, size_t n);
void buffer_put_u32(struct buffer *, uint32_t value);
void buffer_put_uleb(struct buffer *, uint64_t value);
void buffer_put_sleb(struct buffer *, int64_t value);
/* Appends formatted text without its final NUL. */
__attribute__((format(printf, 2, 3))) void buffer_printf(struct buffer *, const char *format, ...);
/* Appends zero bytes until the size is a multiple of `alignment`. */
void buffer_align(struct buffer *, size_t alignment);
/* Frees what it holds; it is empty then. */
void buffer_free(struct buffer *);

/* malloc and realloc that never return null (for a size of 0 too). */
void *must_alloc(size_t size);
void *must_realloc(void *old, size_t size);
char *must_strdup(const char *text);
/* A new formatted string, to be freed by the caller. */
__attribute__((format(printf, 1, 2))) char *must_format(const char *format, ...);

#endif
