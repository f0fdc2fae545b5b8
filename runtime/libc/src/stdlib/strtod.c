/* SPDX-License-Identifier: MIT */
/*
 * musl reads a number in the arithmetic of long double, which is software here. Most numbers need none of it.
 * If the digits make an integer that the type holds exactly, and the power of ten is one that it holds too,
 * one multiplication or division gives the right result (W. D. Clinger, "How to read floating point numbers
 * accurately"). Else the first 19 digits are multiplied by a power of five that is known to 128 bits (D.
 * Lemire, "Number parsing at a gigabyte per second"): if what is not known of the product, nor of further
 * digits, can change its 55 highest bits, these are what matters. If the power of five fits in a word, a
 * quotient of two words is exact. Either way there is one rounding, in the mode of the moment. All other
 * numbers go musl's way: those very near the middle between two doubles, what overflows or is subnormal, and
 * what is no decimal number.
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

#include "../internal/five.h"
#include <ctype.h>

/* A decimal number: (-1)^negative * (digits + x) * 10^exponent, 0 <= x < 1; x is 0 if all digits are there.
 */
struct decimal {
    uint64_t digits;
    int exponent;
    bool negative, cut;
    const char *end;
};

enum { DIGITS = 19, FAR = 100000 };

static inline bool is_digit(char c) {
    return (unsigned char)(c - '0') < 10;
}

/* Appends the digits at s to the `count` that are there. Returns their end. */
static inline const char *read_digits(const char *s, struct decimal *d, int *count) {
    for (; is_digit(*s) && *count < DIGITS; s++) {
        d->digits = 10 * d->digits + (uint64_t)(*s - '0');
        *count += *count || *s != '0';
    }
    return s;
}

/* Passes digits that are too many. */
static const char *skip_digits(const char *s, struct decimal *d) {
    for (; is_digit(*s); s++)
        d->cut |= *s != '0';
    return s;
}

/* What stands behind an e. False if it is no number, or a very large one. */
static bool read_exponent(const char **text, struct decimal *d) {
    const char *s = *text;
    bool minus = *s == '-';
    int exponent = 0;
    s += *s == '-' || *s == '+';
    if (!is_digit(*s))
        return false;
    for (; is_digit(*s); s++)
        if ((exponent = 10 * exponent + (*s - '0')) > FAR)
            return false;
    d->exponent += minus ? -exponent : exponent;
    *text = s;
    return true;
}

/* False if the text is anything else, or goes on for very long. */
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
    const char *whole = s, *known;
    s = skip_digits(s, d);
    if (s - whole > FAR)
        return false;
    d->exponent = (int)(s - whole);
    if (*s == '.') {
        const char *fraction = s + 1;
        known = read_digits(fraction, d, &count);
        if (known - fraction > FAR)
            return false;
        d->exponent -= (int)(known - fraction);
        s = skip_digits(known, d);
    }
    if ((*s | 32) == 'x')
        return false;
    if ((*s | 32) == 'e') {
        s++;
        if (!read_exponent(&s, d))
            return false;
    }
    d->end = s;
    return true;
}

/* A whole number of up to 55 bits times 2^power: the lowest bit also stands for all that lies below it. */
struct rounded {
    int64_t bits;
    int power;
};

enum { BITS = 55 };

/* False if the product does not tell. */
static bool multiply(const struct decimal *d, struct rounded *r) {
    struct five five;
    if (d->exponent < FIVE_LEAST || d->exponent > FIVE_MOST)
        return false;
    bool exact = __popcorn_five(d->exponent, &five);
    int left = __builtin_clzll(d->digits);
    unsigned __int128 lower = (unsigned __int128)five.low * (d->digits << left);
    unsigned __int128 product = (unsigned __int128)five.high * (d->digits << left) + (uint64_t)(lower >> 64);
    int dropped = 128 - BITS - !(product >> 127);
    unsigned __int128 unit = (unsigned __int128)1 << dropped, below = product & (unit - 1);
    unsigned __int128 error = exact && !(uint64_t)lower ? 0 : 4;
    if (d->cut)
        error += (unsigned __int128)1 << (64 + left);
    if (error && (!below || below + error > unit))
        return false;
    r->bits = (int64_t)(product >> dropped) | (below != 0);
    r->power = five.exponent + d->exponent - left + 64 + dropped;
    return true;
}

/* False if the power of five is more than a word, or not below one. */
static bool divide(const struct decimal *d, struct rounded *r) {
    enum { MOST = 27 };
    if (d->cut || d->exponent >= 0 || d->exponent < -MOST)
        return false;
    uint64_t five = 1;
    for (int i = d->exponent; i; i++)
        five *= 5;
    int left = __builtin_clzll(d->digits);
    unsigned __int128 dividend = (unsigned __int128)(d->digits << left) << 64, value = dividend / five;
    bool more = value * five != dividend;
    int dropped = 128 - BITS - __builtin_clzll((uint64_t)(value >> 64));
    more |= (value & (((unsigned __int128)1 << dropped) - 1)) != 0;
    r->bits = (int64_t)(value >> dropped) | more;
    r->power = d->exponent - 64 - left + dropped;
    return true;
}

/* False if the number is not normal in a type of these exponents: one more might be reached by rounding. */
static bool find_bits(const struct decimal *d, struct rounded *r, int least, int most) {
    if (!multiply(d, r) && !divide(d, r))
        return false;
    int highest = r->power + 63 - __builtin_clzll((uint64_t)r->bits);
    if (d->negative)
        r->bits = -r->bits;
    return highest >= least && highest < most;
}

static double two_to(int power) {
    union {
        uint64_t bits;
        double value;
    } two = {(uint64_t)(1023 + power) << 52};
    return two.value;
}

double strtod(const char *restrict s, char **restrict end) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    enum { MOST = sizeof tens / sizeof *tens - 1 };
    struct decimal d;
    struct rounded r;
    double value;
    if (!read_decimal(s, &d))
        return long_strtod(s, end);
    if (!d.digits)
        value = d.negative ? -0.0 : 0.0;
    else if (!d.cut && d.digits <= 1ULL << 53 && d.exponent >= -MOST && d.exponent <= MOST) {
        value = d.negative ? -(double)d.digits : (double)d.digits;
        value = d.exponent < 0 ? value / tens[-d.exponent] : value * tens[d.exponent];
    } else if (find_bits(&d, &r, -1022, 1023)) {
        value = (double)r.bits * two_to(r.power / 2) * two_to(r.power - r.power / 2); /* one rounds */
    } else {
        return long_strtod(s, end);
    }
    if (end)
        *end = (char *)d.end;
    return value;
}

float strtof(const char *restrict s, char **restrict end) {
    struct decimal d;
    struct rounded r;
    float value;
    if (!read_decimal(s, &d))
        return long_strtof(s, end);
    if (!d.digits)
        value = d.negative ? -0.0f : 0.0f;
    else if (find_bits(&d, &r, -126, 127))
        value = (float)r.bits * (float)two_to(r.power / 2) * (float)two_to(r.power - r.power / 2);
    else
        return long_strtof(s, end);
    if (end)
        *end = (char *)d.end;
    return value;
}
