/* SPDX-License-Identifier: MIT */
/* The parts of vfprintf. */
#ifndef POPCORN_PRINTING_H
#define POPCORN_PRINTING_H

#include "stdio_impl.h"
#include <stdint.h>
#include <string.h>

/* Flags, each by its character's distance from a space. */
enum {
    ALTERNATIVE = 1 << ('#' - ' '),
    ZEROS = 1 << ('0' - ' '),
    LEFT = 1 << ('-' - ' '),
    SPACE = 1 << 0,
    PLUS = 1 << ('+' - ' '),
    GROUPED = 1 << ('\'' - ' '), /* groups of digits: no locale has any */
    FLAGS = ALTERNATIVE | ZEROS | LEFT | SPACE | PLUS | GROUPED
};

/* One conversion: `%-8.3g` has the flag LEFT, width 8, precision 3 and the letter g. */
struct conversion {
    unsigned flags;
    int width;
    int precision; /* negative: none is given */
    int letter;
};

/* These print by a conversion of the letters a, e, f, g, A, E, F, G, in the rounding mode of the moment, and
 * return the number of characters, or -1 if there are too many. */
int __popcorn_print_double(FILE *f, double value, const struct conversion *c);
int __popcorn_print_long_double(FILE *f, long double value, const struct conversion *c);

static inline void print_text(FILE *f, const char *text, size_t length) {
    if (length < 16 && f->lbf < 0 && f->wend && (size_t)(f->wend - f->wpos) >= length) {
        for (; length; length--)
            *f->wpos++ = (unsigned char)*text++;
    } else if (length && !(f->flags & F_ERR)) {
        __fwritex((const void *)text, length, f);
    }
}

/* Writes a number's digits, none for 0, so that they end at `end`; returns where they start. */
static inline char *print_number(uint64_t number, char *end) {
    for (; number >= 10; number /= 100) {
        unsigned pair = (unsigned)(number % 100);
        *--end = (char)('0' + pair % 10);
        *--end = (char)('0' + pair / 10);
    }
    if (number)
        *--end = (char)('0' + number);
    return end;
}

/* `count` characters, if it is positive. */
static inline void print_filling(FILE *f, char filling, int count) {
    char text[64];
    if (count <= 0)
        return;
    memset(text, filling, count < (int)sizeof text ? (size_t)count : sizeof text);
    for (; count > (int)sizeof text; count -= (int)sizeof text)
        print_text(f, text, sizeof text);
    print_text(f, text, (size_t)count);
}

/* What fills up to the width stands in one of three places: spaces before the sign, zeros behind it, or
 * spaces at the end. */
static inline void print_before(FILE *f, const struct conversion *c, int length, const char *sign,
                                int signs) {
    if (!(c->flags & (LEFT | ZEROS)))
        print_filling(f, ' ', c->width - length);
    print_text(f, sign, (size_t)signs);
    if ((c->flags & (LEFT | ZEROS)) == ZEROS)
        print_filling(f, '0', c->width - length);
}

static inline void print_behind(FILE *f, const struct conversion *c, int length) {
    if (c->flags & LEFT)
        print_filling(f, ' ', c->width - length);
}

#endif
