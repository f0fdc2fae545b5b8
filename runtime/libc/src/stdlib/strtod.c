/* SPDX-License-Identifier: MIT */
/*
 * musl reads a number in the arithmetic of long double, which is software here. Most numbers need none of it.
 * If the digits make an integer that the type holds exactly, and the power of ten is one that it holds too,
 * one multiplication or division gives the right result (W. D. Clinger, "How to read floating point numbers
 * accurately"). If the digits and the power of five fit in words, so do their product and their quotient in
 * two, of which all that matters is kept. Either way there is one rounding, in the mode of the moment. All
 * other numbers go musl's way.
 */
#include <stdbool.h>
#include <stdint.h>

#define strtod long_strtod
#define strtof long_strtof
double long_strtod(const char *restrict, char **restrict);
float long_strtof(const char *restrict, char **restrict);
#include "stdlib/strtod.c"
#undef strtod
#undef strtof

#include <ctype.h>

/* A decimal number: (-1)^negative * digits * 10^exponent. */
struct decimal {
    uint64_t digits;
    int exponent;
    bool negative;
    const char *end;
};

static inline bool is_digit(char c) {
    return (unsigned char)(c - '0') < 10;
}

/* Appends the digits at s. Returns their end; more than 19 in all are too many, which `count` then shows. */
static const char *read_digits(const char *s, struct decimal *d, int *count) {
    for (; is_digit(*s) && *count <= 19; s++) {
        d->digits = 10 * d->digits + (uint64_t)(*s - '0');
        *count += *count || *s != '0';
    }
    return s;
}

/* False if the text is anything else, or longer. */
static bool read_decimal(const char *s, struct decimal *d) {
    int count = 0;
    *d = (struct decimal){0};
    while (isspace((unsigned char)*s))
        s++;
    d->negative = *s == '-';
    s += *s == '-' || *s == '+';
    if (!is_digit(*s))
        return false;
    s = read_digits(s, d, &count);
    if (*s == '.') {
        const char *fraction = s + 1;
        s = read_digits(fraction, d, &count);
        if (s - fraction > 100)
            return false;
        d->exponent = (int)(fraction - s);
    }
    if (count > 19 || (*s | 32) == 'x')
        return false;
    if ((*s | 32) == 'e') {
        bool minus = s[1] == '-';
        int exponent = 0;
        s += s[1] == '-' || s[1] == '+' ? 2 : 1;
        if (!is_digit(*s))
            return false;
        for (; is_digit(*s); s++)
            if ((exponent = 10 * exponent + (*s - '0')) > 100)
                return false;
        d->exponent += minus ? -exponent : exponent;
    }
    d->end = s;
    return true;
}

enum { POWERS = 28 }; /* of five, that fit in a word */

/* A whole number of up to 55 bits times a power of two: the lowest bit also stands for all that lies below
 * it. */
struct rounded {
    int64_t bits;
    double scale;
};

static struct rounded scaled(const struct decimal *d) {
    uint64_t five = 1;
    int power = d->exponent, sticky = 0;
    for (int i = power < 0 ? -power : power; i; i--)
        five *= 5;
    unsigned __int128 value = (unsigned __int128)d->digits * five;
    if (power < 0) {
        int left = __builtin_clzll(d->digits);
        value = (unsigned __int128)(d->digits << left) << 64;
        sticky = value % five != 0;
        value /= five;
        power -= 64 + left;
    }
    uint64_t high = (uint64_t)(value >> 64);
    int width = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)value);
    if (width > 55) {
        unsigned __int128 kept = value >> (width - 55);
        sticky |= kept << (width - 55) != value;
        value = kept;
        power += width - 55;
    }
    union {
        uint64_t bits;
        double scale;
    } two = {(uint64_t)(1023 + power) << 52};
    int64_t bits = (int64_t)value | sticky;
    return (struct rounded){d->negative ? -bits : bits, two.scale};
}

double strtod(const char *restrict s, char **restrict end) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    enum { MOST = sizeof tens / sizeof *tens - 1 };
    struct decimal d;
    if (!read_decimal(s, &d) || d.exponent <= -POWERS || d.exponent >= POWERS)
        return long_strtod(s, end);
    if (end)
        *end = (char *)d.end;
    if (d.digits && (d.digits > 1ULL << 53 || d.exponent < -MOST || d.exponent > MOST)) {
        struct rounded r = scaled(&d);
        return (double)r.bits * r.scale;
    }
    double value = d.negative ? -(double)d.digits : (double)d.digits;
    if (!d.digits)
        return value;
    return d.exponent < 0 ? value / tens[-d.exponent] : value * tens[d.exponent];
}

float strtof(const char *restrict s, char **restrict end) {
    enum { MOST = 18 }; /* so that all results are normal numbers */
    struct decimal d;
    if (!read_decimal(s, &d) || d.exponent < -MOST || d.exponent > MOST)
        return long_strtof(s, end);
    if (end)
        *end = (char *)d.end;
    if (!d.digits)
        return d.negative ? -0.0f : 0.0f;
    struct rounded r = scaled(&d);
    return (float)r.bits * (float)r.scale;
}
