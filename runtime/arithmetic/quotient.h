/* SPDX-License-Identifier: MIT */
/*
 * The quotient of complex numbers of one type; complex.c includes this once a type, with
 *   REAL, BITS   the type of a part, and an unsigned integer of its size
 *   FRACTION     bits of its fraction, which stand below the exponent's
 *   LARGEST      its largest exponent
 *   NAME(x)      a name of its own for x
 *
 * The method of the schoolbook overflows, or loses bits to underflow, in its products and squares long before
 * the quotient does. So where the exponents are not moderate, each of the four parts is a number from 1 to 2
 * with an exponent of its own, and nothing is scaled before the end: the quotient of numbers of any size has
 * the same accuracy. Infinities and NaNs are treated as C's annex G has it.
 */

struct NAME(scaled) {
    REAL value; /* 0, or of magnitude 1 to 2, or what a sum or quotient of such is */
    int exponent;
};

#define EXPONENT_MASK (2 * LARGEST + 1)

static BITS NAME(bits)(REAL x) {
    BITS bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static REAL NAME(make)(BITS bits) {
    REAL x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

static unsigned NAME(exponent_bits)(REAL x) {
    return (unsigned)(NAME(bits)(x) >> FRACTION) & EXPONENT_MASK;
}

/* 2 to the power of an exponent that a normal number may have. */
static REAL NAME(power)(int exponent) {
    return NAME(make)((BITS)(exponent + LARGEST) << FRACTION);
}

static struct NAME(scaled) NAME(take)(REAL x) {
    if (x == 0)
        return (struct NAME(scaled)){x, -8 * LARGEST}; /* smaller than any product */
    int exponent = 0;
    if (!NAME(exponent_bits)(x)) {
        x *= NAME(power)(FRACTION + 1);
        exponent = -FRACTION - 1;
    }
    exponent += (int)NAME(exponent_bits)(x) - LARGEST;
    BITS fraction_and_sign = NAME(bits)(x) & ~((BITS)EXPONENT_MASK << FRACTION);
    return (struct NAME(scaled)){NAME(make)(fraction_and_sign | (BITS)LARGEST << FRACTION), exponent};
}

static int NAME(within)(int low, int value, int high) {
    return value < low ? low : value > high ? high : value;
}

/* The number itself, rounded once: by the second factor, as the first leaves it normal. */
static REAL NAME(give)(struct NAME(scaled) x) {
    int first = NAME(within)(1 - LARGEST + FRACTION + 1, x.exponent, LARGEST);
    int second = NAME(within)(1 - LARGEST, x.exponent - first, LARGEST);
    return x.value * NAME(power)(first) * NAME(power)(second);
}

/* x*y + z*w */
static struct NAME(scaled) NAME(products)(struct NAME(scaled) x, struct NAME(scaled) y, struct NAME(scaled) z,
                                          struct NAME(scaled) w) {
    int first = x.exponent + y.exponent, second = z.exponent + w.exponent;
    int exponent = first > second ? first : second;
    /* The smaller one may lie so far below the other's last bit that it does not matter how far. */
    REAL xy = x.value * y.value * NAME(power)(NAME(within)(1 - LARGEST, first - exponent, 0));
    REAL zw = z.value * w.value * NAME(power)(NAME(within)(1 - LARGEST, second - exponent, 0));
    return (struct NAME(scaled)){xy + zw, exponent};
}

static REAL NAME(part)(struct NAME(scaled) numerator, struct NAME(scaled) denominator) {
    struct NAME(scaled) quotient = NAME(take)(numerator.value / denominator.value);
    quotient.exponent += numerator.exponent - denominator.exponent;
    return NAME(give)(quotient);
}

static _Complex REAL NAME(finite)(REAL a, REAL b, REAL c, REAL d) {
    struct NAME(scaled) x = NAME(take)(a), y = NAME(take)(b), z = NAME(take)(c), w = NAME(take)(d);
    struct NAME(scaled) denominator = NAME(products)(z, z, w, w);
    struct NAME(scaled) real = NAME(products)(x, z, y, w);
    w.value = -w.value;
    struct NAME(scaled) imaginary = NAME(products)(y, z, x, w);
    return __builtin_complex(NAME(part)(real, denominator), NAME(part)(imaginary, denominator));
}

/* 1, or 0, with the sign of x. */
static REAL NAME(sign_of)(REAL x, bool one) {
    return __builtin_signbit(x) ? -(REAL)one : (REAL)one;
}

/* A part is infinite or NaN, or the divisor is zero. */
static _Complex REAL NAME(unusual)(REAL a, REAL b, REAL c, REAL d) {
    REAL denominator = c * c + d * d;
    REAL real = (a * c + b * d) / denominator;
    REAL imaginary = (b * c - a * d) / denominator;
    if (!__builtin_isnan(real) || !__builtin_isnan(imaginary))
        return __builtin_complex(real, imaginary);
    bool finite_divisor = __builtin_isfinite(c) && __builtin_isfinite(d);
    if (c == 0 && d == 0 && (!__builtin_isnan(a) || !__builtin_isnan(b))) {
        real = NAME(sign_of)(c, true) * (REAL)__builtin_inf() * a;
        imaginary = NAME(sign_of)(c, true) * (REAL)__builtin_inf() * b;
    } else if ((__builtin_isinf(a) || __builtin_isinf(b)) && finite_divisor) {
        a = NAME(sign_of)(a, __builtin_isinf(a));
        b = NAME(sign_of)(b, __builtin_isinf(b));
        real = (REAL)__builtin_inf() * (a * c + b * d);
        imaginary = (REAL)__builtin_inf() * (b * c - a * d);
    } else if ((__builtin_isinf(c) || __builtin_isinf(d)) && __builtin_isfinite(a) && __builtin_isfinite(b)) {
        c = NAME(sign_of)(c, __builtin_isinf(c));
        d = NAME(sign_of)(d, __builtin_isinf(d));
        real = 0 * (a * c + b * d);
        imaginary = 0 * (b * c - a * d);
    }
    return __builtin_complex(real, imaginary);
}

/* Zero, or of an exponent that no product and no square of such parts can make too large or too small. */
static bool NAME(is_moderate)(REAL x) {
    return NAME(exponent_bits)(x) - (LARGEST - LARGEST / 4) < LARGEST / 2 || x == 0;
}

static _Complex REAL NAME(quotient)(REAL a, REAL b, REAL c, REAL d) {
    if (c == 0 && d == 0)
        return NAME(unusual)(a, b, c, d);
    if (NAME(is_moderate)(a) && NAME(is_moderate)(b) && NAME(is_moderate)(c) && NAME(is_moderate)(d)) {
        REAL denominator = c * c + d * d;
        return __builtin_complex((a * c + b * d) / denominator, (b * c - a * d) / denominator);
    }
    if (__builtin_isfinite(a) && __builtin_isfinite(b) && __builtin_isfinite(c) && __builtin_isfinite(d))
        return NAME(finite)(a, b, c, d);
    return NAME(unusual)(a, b, c, d);
}

#undef EXPONENT_MASK
#undef REAL
#undef BITS
#undef FRACTION
#undef LARGEST
#undef NAME
