/* SPDX-License-Identifier: MIT */
/*
 * Floating-point numbers as text, in integers alone: musl computes in long double, which is software here.
 *
 * Up to 18 digits come from one product of the mantissa and a power of ten that is known to 128 bits. What is
 * cut off the product is known up to an error, and as long as that cannot matter for the rounding, nothing
 * more is needed. All else is long division and multiplication, nine digits at a time, which is exact.
 */
#include "../internal/five.h"
#include "printing.h"
#include <fenv.h>
#include <limits.h>
#include <math.h>

typedef unsigned __int128 mantissa;

/* A finite number: bits * 2^exponent, and its sign. */
struct binary {
    mantissa bits;
    int exponent;
    bool negative;
};

/* Digits of a number, of which the first stands for 10^exponent. Zero has none, and the exponent 0. */
struct digits {
    char *text;
    int count, exponent;
};

/* Where they come from: so many behind the first one, or behind the point. */
struct request {
    bool fixed;
    int precision;
};

/* What rounding cuts off, in units of the last digit kept. */
enum rest { NOTHING, LESS_THAN_HALF, HALF, MORE_THAN_HALF };

static bool rounds_up(bool negative, bool odd, enum rest rest) {
    if (rest == NOTHING)
        return false;
    switch (fegetround()) {
    case FE_TONEAREST:
        return rest == MORE_THAN_HALF || (rest == HALF && odd);
    case FE_UPWARD:
        return !negative;
    case FE_DOWNWARD:
        return negative;
    default:
        return false;
    }
}

static enum rest rest_of(mantissa rest, mantissa half) {
    return !rest ? NOTHING : rest < half ? LESS_THAN_HALF : rest == half ? HALF : MORE_THAN_HALF;
}

/* Is it an integer of one word? */
static bool is_whole(const struct binary *v, uint64_t *whole) {
    uint64_t bits = (uint64_t)v->bits;
    if (v->exponent >= 0) {
        *whole = v->exponent < 64 ? bits << v->exponent : 0;
        return v->exponent <= __builtin_clzll(bits);
    }
    *whole = v->exponent > -64 ? bits >> -v->exponent : 0;
    return v->exponent > -64 && *whole << -v->exponent == bits;
}

/* The whole part of value * 10^power and what lies behind it, for a value of at most 64 bits. False if a
 * product of 128 bits does not tell, or the whole part is more than a word. */
static bool scale(const struct binary *v, int power, uint64_t *whole, enum rest *rest) {
    struct five five;
    uint64_t integer, bits = (uint64_t)v->bits;
    if (power < 0 && power > -20 && is_whole(v, &integer)) {
        uint64_t ten = 1;
        for (int i = power; i; i++)
            ten *= 10;
        *whole = integer / ten;
        *rest = rest_of((mantissa)(integer % ten) * 2, ten);
        return true;
    }
    if (power < FIVE_LEAST || power > FIVE_MOST)
        return false;
    bool exact = __popcorn_five(power, &five);
    int left = __builtin_clzll(bits);
    mantissa lower = (mantissa)five.low * (bits << left);
    mantissa product = (mantissa)five.high * (bits << left) + (uint64_t)(lower >> 64);
    int fraction_bits = left - v->exponent - five.exponent - power - 64;
    if (fraction_bits <= 64 || fraction_bits >= 128)
        return false;
    *whole = (uint64_t)(product >> fraction_bits);
    mantissa fraction = product << (128 - fraction_bits), half = (mantissa)1 << 127;
    *rest = rest_of(fraction, half);
    if (exact && !(uint64_t)lower)
        return true;
    mantissa error = (mantissa)4 << (128 - fraction_bits);
    return fraction && fraction <= ~error && (fraction > half || fraction + error <= half);
}

/* The largest e with 10^e <= 2^power, for |power| < 2000. */
static int decimal_exponent(int power) {
    return (int)((int64_t)power * 1292913986 >> 32);
}

/* False if that takes more. */
static bool digits_by_product(const struct binary *v, struct request r, struct digits *d) {
    uint64_t whole, more = 10;
    enum rest rest;
    if (v->bits >> 64 || r.precision > 17)
        return false;
    int highest = v->exponent + 63 - __builtin_clzll((uint64_t)v->bits), guess = decimal_exponent(highest);
    if (highest < -1100 || highest > 1100 || (r.fixed && guess + r.precision > 17))
        return false;
    int power = r.fixed ? r.precision : r.precision - guess;
    if (!scale(v, power, &whole, &rest))
        return false;
    if (!r.fixed) {
        for (int i = 0; i < r.precision; i++)
            more *= 10;
        if (whole >= more && !scale(v, --power, &whole, &rest))
            return false;
    }
    whole += rounds_up(v->negative, whole & 1, rest);
    char *end = d->text + 20, *start = print_number(whole, end);
    d->text = start;
    d->count = (int)(end - start);
    d->exponent = whole ? d->count - 1 - power : 0;
    return true;
}

/* words[0 … count - 1], the lowest first, become the quotient by 10^9. Returns the remainder. */
static uint32_t divide(uint32_t *words, int count) {
    uint64_t rest = 0;
    for (int i = count - 1; i >= 0; i--) {
        uint64_t value = rest << 32 | words[i];
        words[i] = (uint32_t)(value / 1000000000);
        rest = value % 1000000000;
    }
    return (uint32_t)rest;
}

/* Likewise a product with 10^9; returns what does not fit. */
static uint32_t multiply(uint32_t *words, int count) {
    uint64_t carry = 0;
    for (int i = 0; i < count; i++) {
        carry += (uint64_t)words[i] * 1000000000;
        words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return (uint32_t)carry;
}

/* bits * 2^shift into `count` words. */
static void spread(uint32_t *words, int count, mantissa bits, int shift) {
    memset(words, 0, (size_t)count * sizeof *words);
    int first = shift / 32;
    uint64_t carry = 0;
    for (int i = first; i < count && (bits || carry); i++, bits >>= 32) {
        carry |= (uint64_t)(uint32_t)bits << shift % 32;
        words[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static char *nine_digits(uint32_t number, char *to) {
    for (int i = 8; i >= 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
    return to + 9;
}

/* The digits before the point. */
static void whole_digits(const struct binary *v, struct digits *d, uint32_t *words) {
    mantissa bits = v->exponent < 0 ? v->exponent > -128 ? v->bits >> -v->exponent : 0 : v->bits;
    int shift = v->exponent < 0 ? 0 : v->exponent, count = (shift + 128 + 31) / 32;
    spread(words, count, bits, shift);
    while (count && !words[count - 1])
        count--;
    char *end = d->text + count * 10 + 9, *start = end; /* a word has less than ten digits */
    while (count) {
        start -= 9;
        nine_digits(divide(words, count), start);
        while (count && !words[count - 1])
            count--;
    }
    while (start < end && *start == '0')
        start++;
    d->text = start;
    d->count = (int)(end - start);
    d->exponent = d->count - 1;
}

/* How many digits are asked for, once the first is known. */
static long wanted(struct request r, const struct digits *d) {
    return r.fixed ? (long)d->exponent + 1 + r.precision : 1L + r.precision;
}

/* The digits behind the point, until there is one more than wanted. Returns whether something is left. */
static bool fraction_digits(const struct binary *v, struct request r, struct digits *d, uint32_t *words) {
    if (v->exponent >= 0)
        return false;
    int count = (31 - v->exponent) / 32, spare = count * 32 + v->exponent, low = 0, high = count;
    mantissa bits = v->exponent > -128 ? v->bits & (((mantissa)1 << -v->exponent) - 1) : v->bits;
    spread(words, count, bits, spare);
    for (;;) {
        while (low < high && !words[low])
            low++;
        if (low == high)
            return false;
        if (d->count > wanted(r, d) || (!d->count && wanted(r, d) < 0))
            return true;
        while (!words[high - 1])
            high--;
        high += high < count; /* what the product carries into */
        uint32_t carry = multiply(words + low, high - low);
        char *to = d->text + d->count;
        nine_digits(high == count ? carry : 0, to);
        int zeros = 0;
        if (!d->count) {
            while (zeros < 9 && to[zeros] == '0')
                zeros++;
            memmove(to, to + zeros, (size_t)(9 - zeros));
            d->exponent -= zeros;
        }
        d->count += 9 - zeros;
    }
}

/* One more in the last of `count` digits. */
static void increment(struct digits *d, int count) {
    while (count > 0 && d->text[count - 1] == '9')
        d->text[--count] = '0';
    if (count > 0) {
        d->text[count - 1]++;
        return;
    }
    *--d->text = '1';
    d->count++;
    d->exponent++;
}

/* Cuts to what is wanted. `more`: something nonzero lies behind the digits. */
static void round_digits(bool negative, struct request r, struct digits *d, bool more) {
    long keep = wanted(r, d);
    if (keep >= d->count)
        return;
    int digit = 0, kept = keep < 0 ? 0 : (int)keep;
    for (int i = kept + (keep >= 0); i < d->count; i++)
        more |= d->text[i] != '0';
    if (keep >= 0)
        digit = d->text[kept] - '0';
    enum rest rest = digit > 5 || (digit == 5 && more) ? MORE_THAN_HALF
                     : digit == 5                      ? HALF
                     : digit || more                   ? LESS_THAN_HALF
                                                       : NOTHING;
    bool up = rounds_up(negative, kept && d->text[kept - 1] & 1, rest);
    d->count = kept;
    if (keep < 0)
        d->exponent = -r.precision - 1;
    if (up)
        increment(d, kept);
    else if (!kept)
        d->exponent = 0;
}

/* Room: `text` for one digit more than there can be and nine to spare, `words` for all bits before or behind
 * the point. */
static struct digits find_digits(const struct binary *v, struct request r, char *text, uint32_t *words) {
    struct digits d = {text + 1, 0, 0};
    if (!v->bits || digits_by_product(v, r, &d))
        return d;
    whole_digits(v, &d, words);
    round_digits(v->negative, r, &d, fraction_digits(v, r, &d, words));
    return d;
}

/* A number whose digits are known: `exponent` is that of its first digit, to be printed before a point. */
static void print_decimal(FILE *f, const struct digits *d, int exponent, int precision, bool point) {
    int whole = exponent < 0 ? 0 : exponent + 1, start = whole < d->count ? whole : d->count;
    if (!whole)
        print_text(f, "0", 1);
    print_text(f, d->text, (size_t)start);
    print_filling(f, '0', whole - start);
    if (point)
        print_text(f, ".", 1);
    int zeros = -1 - exponent < precision ? -1 - exponent : precision;
    if (zeros > 0) {
        print_filling(f, '0', zeros);
        precision -= zeros;
    }
    int rest = d->count - start < precision ? d->count - start : precision;
    print_text(f, d->text + start, (size_t)rest);
    print_filling(f, '0', precision - rest);
}

/* The sign, and 0x; returns how long it is. */
static int write_sign(char *sign, bool negative, const struct conversion *c, bool hexadecimal) {
    char *end = sign;
    if (negative || c->flags & (PLUS | SPACE))
        *end++ = negative ? '-' : c->flags & PLUS ? '+' : ' ';
    if (hexadecimal) {
        *end++ = '0';
        *end++ = (char)(c->letter + ('x' - 'a'));
    }
    return (int)(end - sign);
}

/* e-05: the exponent's letter, sign and at least so many digits, written before `end`. */
static char *write_exponent(char *end, int letter, int exponent, int least) {
    char *start = print_number((uint64_t)(exponent < 0 ? -exponent : exponent), end);
    while (end - start < least)
        *--start = '0';
    *--start = exponent < 0 ? '-' : '+';
    *--start = (char)letter;
    return start;
}

static int print_by_digits(FILE *f, const struct binary *v, const struct conversion *c, char *text,
                           uint32_t *words) {
    int letter = c->letter | 32, lower = c->letter & 32;
    int precision = c->precision < 0 ? 6 : c->precision;
    if (letter == 'g')
        precision -= precision > 0;
    bool fixed = letter == 'f';
    struct digits d = find_digits(v, (struct request){fixed, precision}, text, words);
    if (letter == 'g') {
        fixed = d.exponent >= -4 && d.exponent <= precision;
        precision -= fixed ? d.exponent : 0;
        if (!(c->flags & ALTERNATIVE)) {
            while (d.count && d.text[d.count - 1] == '0')
                d.count--;
            int behind = d.count - 1 - (fixed ? d.exponent : 0);
            precision = behind < 0 ? 0 : behind < precision ? behind : precision;
        }
    }
    bool point = precision || c->flags & ALTERNATIVE;
    char sign[3], ending[16], *end = ending + sizeof ending, *exponent = end;
    int signs = write_sign(sign, v->negative, c, false);
    if (!fixed)
        exponent = write_exponent(end, 'E' | lower, d.exponent, 2);
    long length =
        signs + 1L + precision + point + (end - exponent) + (fixed && d.exponent > 0 ? d.exponent : 0);
    if (length > INT_MAX)
        return -1;
    print_before(f, c, (int)length, sign, signs);
    print_decimal(f, &d, fixed ? d.exponent : 0, precision, point);
    print_text(f, exponent, (size_t)(end - exponent));
    print_behind(f, c, (int)length);
    return (int)length > c->width ? (int)length : c->width;
}

enum { FRACTION_BITS = 112, FRACTION_DIGITS = FRACTION_BITS / 4 }; /* long double's */

static int print_hexadecimal(FILE *f, const struct binary *v, const struct conversion *c) {
    mantissa bits = v->bits;
    int exponent = bits ? v->exponent + FRACTION_BITS : 0, lower = c->letter & 32;
    for (; bits && !(bits >> FRACTION_BITS); bits <<= 1)
        exponent--;
    if (c->precision >= 0 && c->precision < FRACTION_DIGITS) {
        mantissa unit = (mantissa)1 << 4 * (FRACTION_DIGITS - c->precision), rest = bits & (unit - 1);
        bits -= rest;
        bits += rounds_up(v->negative, (bits & unit) != 0, rest_of(rest, unit / 2)) ? unit : 0;
    }
    char text[FRACTION_DIGITS + 2], sign[3], ending[16], *end = ending + sizeof ending, *to = text;
    *to++ = (char)('0' + (int)(bits >> FRACTION_BITS));
    mantissa fraction = bits << (128 - FRACTION_BITS);
    if (fraction || c->precision > 0 || c->flags & ALTERNATIVE)
        *to++ = '.';
    for (; fraction; fraction <<= 4)
        *to++ = (char)("0123456789ABCDEF"[(int)(fraction >> 124)] | lower);
    int signs = write_sign(sign, v->negative, c, true);
    char *start = write_exponent(end, 'P' | lower, exponent, 1);
    int digits = (int)(to - text),
        zeros = c->precision > 0 && c->precision > digits - 2 ? c->precision - (digits - 2) : 0;
    long length = (long)signs + digits + zeros + (end - start);
    if (length > INT_MAX)
        return -1;
    print_before(f, c, (int)length, sign, signs);
    print_text(f, text, (size_t)digits);
    print_filling(f, '0', zeros);
    print_text(f, start, (size_t)(end - start));
    print_behind(f, c, (int)length);
    return (int)length > c->width ? (int)length : c->width;
}

static int print_special(FILE *f, bool negative, bool is_nan, const struct conversion *c) {
    struct conversion spaced = *c;
    char sign[3];
    int signs = write_sign(sign, negative, c, false), length = signs + 3;
    spaced.flags &= ~(unsigned)ZEROS;
    print_before(f, &spaced, length, sign, signs);
    print_text(f, (c->letter & 32 ? is_nan ? "nan" : "inf" : is_nan ? "NAN" : "INF"), 3);
    print_behind(f, c, length);
    return length > c->width ? length : c->width;
}

/* The fields of a number in memory as what it means. */
static struct binary unpack(bool negative, mantissa fraction, int exponent, int fraction_bits, int bias) {
    if (exponent)
        fraction |= (mantissa)1 << fraction_bits;
    return (struct binary){fraction, (exponent ? exponent : 1) - bias - fraction_bits, negative};
}

int __popcorn_print_double(FILE *f, double value, const struct conversion *c) {
    char text[800];     /* a double has up to 767 digits */
    uint32_t words[40]; /* 2^1023 has 32; 2^-1074, 34 */
    union {
        double value;
        uint64_t bits;
    } u = {value};
    struct binary v =
        unpack(u.bits >> 63, u.bits & (UINT64_MAX >> 12), (int)(u.bits >> 52) & 0x7ff, 52, 1023);
    if ((u.bits & INT64_MAX) >> 52 == 0x7ff)
        return print_special(f, v.negative, isnan(value), c);
    if ((c->letter | 32) == 'a')
        return print_hexadecimal(f, &v, c);
    return print_by_digits(f, &v, c, text, words);
}

int __popcorn_print_long_double(FILE *f, long double value, const struct conversion *c) {
    char text[11600];    /* a number of 113 bits has up to 11563 digits */
    uint32_t words[520]; /* 2^16383 has 512; 2^-16494, 516 */
    union {
        long double value;
        mantissa bits;
    } u = {value};
    mantissa fraction = u.bits << 16 >> 16;
    int top = (int)(u.bits >> 112), exponent = top & 0x7fff;
    struct binary v = unpack(top >> 15, fraction, exponent, 112, 16383);
    if (exponent == 0x7fff)
        return print_special(f, v.negative, fraction != 0, c);
    if ((c->letter | 32) == 'a')
        return print_hexadecimal(f, &v, c);
    for (; v.bits && !(v.bits & 0xffffffff); v.bits >>= 32)
        v.exponent += 32;
    return print_by_digits(f, &v, c, text, words);
}
