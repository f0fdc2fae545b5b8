/* SPDX-License-Identifier: MIT */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_realloc(void *old, size_t size) {
    void *memory = realloc(old, size ? size : 1);
    if (memory)
        return memory;
    fputs("popcorn: out of memory\n", stderr);
    exit(1);
}

void *must_alloc(size_t size) {
    return must_realloc(NULL, size);
}

char *must_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(must_alloc(size), text, size);
}

static void reserve(struct buffer *b, size_t n) {
    if (b->capacity - b->size >= n)
        return;
    b->capacity = (b->size + n) * 2;
    b->bytes = must_realloc(b->bytes, b->capacity);
}

void buffer_put(struct buffer *b, const void *from, size_t n) {
    if (!n)
        return;
    reserve(b, n);
    if (from)
        memcpy(b->bytes + b->size, from, n);
    else
        memset(b->bytes + b->size, 0, n);
    b->size += n;
}

void buffer_put_u32(struct buffer *b, uint32_t value) {
    buffer_put(b, &value, sizeof value);
}

void buffer_put_uleb(struct buffer *b, uint64_t value) {
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        byte |= value ? 0x80 : 0;
        buffer_put(b, &byte, 1);
    } while (value);
}

void buffer_put_sleb(struct buffer *b, int64_t value) {
    for (;;) {
        uint8_t byte = value & 0x7f;
        value >>= 7; /* arithmetic shift: gcc and clang promise it */
        if (value == (byte & 0x40 ? -1 : 0)) {
            buffer_put(b, &byte, 1);
            return;
        }
        byte |= 0x80;
        buffer_put(b, &byte, 1);
    }
}

static void put_formatted(struct buffer *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n > 0) {
        reserve(b, (size_t)n + 1);
        vsnprintf((char *)b->bytes + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
}

void buffer_printf(struct buffer *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    put_formatted(b, format, args);
    va_end(args);
}

char *must_format(const char *format, ...) {
    struct buffer b = {0};
    va_list args;
    va_start(args, format);
    put_formatted(&b, format, args);
    va_end(args);
    buffer_put(&b, "", 1);
    return (char *)b.bytes;
}

void buffer_align(struct buffer *b, size_t alignment) {
    buffer_put(b, NULL, (alignment - b->size % alignment) % alignment);
}

void buffer_free(struct buffer *b) {
    free(b->bytes);
    *b = (struct buffer){0};
}
