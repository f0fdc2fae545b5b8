/* SPDX-License-Identifier: MIT */
/*
 * Building short texts without libc. A text that is too long for its buffer is cut; it always ends in NUL.
 * Async-signal-safe; no state but the caller's.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *begin, *at, *end; /* `end` is the place of the last possible NUL */
    bool cut;               /* something did not fit */
};

/* Begins an empty text in a buffer of `size` bytes, at least 1. */
struct text text_begin(char *buffer, size_t size);

static inline size_t text_length(const struct text *t) {
    return (size_t)(t->at - t->begin);
}

/* Each appends one thing. */
void text_string(struct text *, const char *);
void text_bytes(struct text *, const char *, size_t n);
void text_unsigned(struct text *, uint64_t);
void text_signed(struct text *, int64_t);
void text_hex(struct text *, uint64_t);         /* "0x1f" */
void text_thousandths(struct text *, uint64_t); /* 1234 as "1.234" */
void text_json(struct text *, const char *);    /* a string of JSON with its quotes */

/* What a C program would have taken from string.h. */
bool text_equal(const char *, const char *);
bool text_begins(const char *, const char *prefix);

/* Reads decimal digits, at most ten; returns where they end. Without any the value is 0. */
const char *text_read_number(const char *, uint64_t *value);

/* The value of an environment variable, or NULL. */
const char *text_variable(char *const *environment, const char *name);

/* Short description of an errno value (positive), such as "no memory"; never NULL. */
const char *text_error(int error);

#endif
