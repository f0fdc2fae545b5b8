/* SPDX-License-Identifier: MIT */
/* `long double` arithmetic and comparisons, which no ISA has instructions for. */
#include "values.h"

quad __addtf3(quad, quad);
quad __subtf3(quad, quad);
quad __multf3(quad, quad);
quad __divtf3(quad, quad);

/* The NaN that an operation with at least one NaN gives: the first. */
ALWAYS_INLINE uint128 either_nan(struct number a, struct number b) {
    if (b.kind == KIND_NAN && b.signalling)
        floating_raise(FP_INVALID);
    return quiet(a.kind == KIND_NAN ? a : b, FORMAT_QUAD);
}

/* The sign of a sum that is exactly zero. */
ALWAYS_INLINE bool zero_is_negative(struct number a, struct number b) {
    return a.negative == b.negative ? a.negative : floating_rounding() == FP_DOWNWARD;
}

ALWAYS_INLINE bool is_smaller(struct number a, struct number b) {
    return a.exponent != b.exponent ? a.exponent < b.exponent : a.significand < b.significand;
}

ALWAYS_INLINE uint128 add_finite(struct number a, struct number b) {
    if (is_smaller(a, b)) {
        struct number larger = b;
        b = a;
        a = larger;
    }
    uint128 sum = a.significand << ROUND_BITS;
    uint128 other = shift_sticky(b.significand << ROUND_BITS, a.exponent - b.exponent);
    sum = a.negative == b.negative ? sum + other : sum - other;
    if (!sum)
        return with_sign(zero_is_negative(a, b), 0, FORMAT_QUAD);
    int shift = leading_zeros(sum) - (15 - ROUND_BITS); /* to the left, at most 1 if a bit is sticky */
    sum = shift < 0 ? shift_sticky(sum, -shift) : sum << shift;
    return put_together(a.negative, a.exponent - shift, sum, FORMAT_QUAD);
}

ALWAYS_INLINE uint128 add(struct number a, struct number b) {
    if (a.kind == KIND_NAN || b.kind == KIND_NAN)
        return either_nan(a, b);
    if (a.kind == KIND_INFINITE && b.kind == KIND_INFINITE && a.negative != b.negative)
        return invalid(FORMAT_QUAD);
    if (a.kind == KIND_INFINITE || b.kind == KIND_INFINITE)
        return infinity(a.kind == KIND_INFINITE ? a.negative : b.negative, FORMAT_QUAD);
    if (a.kind == KIND_ZERO && b.kind == KIND_ZERO)
        return with_sign(zero_is_negative(a, b), 0, FORMAT_QUAD);
    if (a.kind == KIND_ZERO || b.kind == KIND_ZERO)
        return convert(a.kind == KIND_ZERO ? b : a, FORMAT_QUAD);
    return add_finite(a, b);
}

quad __addtf3(quad a, quad b) {
    return quad_make(add(quad_take(a), quad_take(b)));
}

quad __subtf3(quad a, quad b) {
    struct number minus = quad_take(b);
    if (minus.kind != KIND_NAN)
        minus.negative = !minus.negative;
    return quad_make(add(quad_take(a), minus));
}

/* The upper 128 bits of a product; the last of them is sticky. */
ALWAYS_INLINE uint128 multiply_high(uint128 a, uint128 b) {
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    uint128 low = (uint128)a0 * b0, middle = (uint128)a1 * b0, other = (uint128)a0 * b1;
    uint128 carry = (low >> 64) + (uint64_t)middle + (uint64_t)other;
    uint128 high = (uint128)a1 * b1 + (middle >> 64) + (other >> 64) + (carry >> 64);
    return high | ((uint64_t)low || (uint64_t)carry);
}

quad __multf3(quad x, quad y) {
    struct number a = quad_take(x), b = quad_take(y);
    bool negative = a.negative != b.negative;
    if (a.kind == KIND_NAN || b.kind == KIND_NAN)
        return quad_make(either_nan(a, b));
    if (a.kind == KIND_INFINITE || b.kind == KIND_INFINITE) {
        bool zero = a.kind == KIND_ZERO || b.kind == KIND_ZERO;
        return quad_make(zero ? invalid(FORMAT_QUAD) : infinity(negative, FORMAT_QUAD));
    }
    if (a.kind == KIND_ZERO || b.kind == KIND_ZERO)
        return quad_make(with_sign(negative, 0, FORMAT_QUAD));
    /* Shifted such that the leading one of the product's upper half is at 112 + ROUND_BITS, or one above. */
    uint128 product = multiply_high(a.significand << 15, b.significand << (1 + ROUND_BITS));
    int carry = (int)(product >> (113 + ROUND_BITS));
    return quad_make(
        put_together(negative, a.exponent + b.exponent + carry, shift_sticky(product, carry), FORMAT_QUAD));
}

/*
 * The next 32 bits of a quotient. `divisor` has its top bit set and is larger than `*rest`, which becomes the
 * rest of the rest times 2^32. The estimate by upper halves is at most 2 too large (Knuth, 4.3.1).
 */
ALWAYS_INLINE uint32_t divide_step(uint128 *rest, uint128 divisor) {
    uint64_t estimate = (uint64_t)(*rest >> 64) / (uint32_t)(divisor >> 96);
    if (estimate > UINT32_MAX)
        estimate = UINT32_MAX;
    uint128 low = (uint128)(uint64_t)divisor * estimate;
    uint128 high = (divisor >> 64) * estimate + (low >> 64);
    uint128 product = high << 64 | (uint64_t)low;
    uint128 shifted = *rest << 32, difference = shifted - product;
    int64_t above = (int64_t)(uint64_t)(*rest >> 96) - (int64_t)(uint64_t)(high >> 64) - (shifted < product);
    for (; above < 0; estimate--) {
        difference += divisor;
        above += difference < divisor;
    }
    *rest = difference;
    return (uint32_t)estimate;
}

ALWAYS_INLINE uint128 divide_finite(bool negative, struct number a, struct number b) {
    uint128 rest = a.significand << 14, divisor = b.significand << 15, quotient = 0;
    for (int i = 0; i < 4; i++)
        quotient = quotient << 32 | divide_step(&rest, divisor);
    quotient |=
        rest != 0; /* below its last bit there is more: 126 bits are enough to mark it in the last one */
    int larger = (int)(quotient >> 127); /* a's significand is not smaller than b's */
    return put_together(negative, a.exponent - b.exponent - !larger,
                        shift_sticky(quotient, 126 + larger - 112 - ROUND_BITS), FORMAT_QUAD);
}

quad __divtf3(quad x, quad y) {
    struct number a = quad_take(x), b = quad_take(y);
    bool negative = a.negative != b.negative;
    if (a.kind == KIND_NAN || b.kind == KIND_NAN)
        return quad_make(either_nan(a, b));
    if (a.kind == b.kind && a.kind != KIND_FINITE)
        return quad_make(invalid(FORMAT_QUAD));
    if (a.kind == KIND_ZERO || b.kind == KIND_INFINITE)
        return quad_make(with_sign(negative, 0, FORMAT_QUAD));
    if (b.kind == KIND_ZERO && a.kind != KIND_INFINITE)
        floating_raise(FP_DIVISION_BY_ZERO);
    if (a.kind == KIND_INFINITE || b.kind == KIND_ZERO)
        return quad_make(infinity(negative, FORMAT_QUAD));
    return quad_make(divide_finite(negative, a, b));
}

/* -1, 0 or 1; `unordered` if one is a NaN. A quiet NaN is invalid for those that ask for an order. */
static inline int compare(quad x, quad y, int unordered, bool order) {
    struct number a = quad_take(x), b = quad_take(y);
    if (a.kind == KIND_NAN || b.kind == KIND_NAN) {
        if (order || a.signalling || b.signalling)
            floating_raise(FP_INVALID);
        return unordered;
    }
    int128 left, right;
    __builtin_memcpy(&left, &x, sizeof left);
    __builtin_memcpy(&right, &y, sizeof right);
    if (a.kind == KIND_ZERO && b.kind == KIND_ZERO)
        return 0;
    if (a.negative != b.negative)
        return a.negative ? -1 : 1;
    if (left == right)
        return 0;
    return (left < right) != a.negative ? -1 : 1;
}

/* A comparison holds if the result compares to 0 in the same way; with a NaN none does, but for __netf2's. */
#define COMPARISON(name, unordered, order)                                                                   \
    int name(quad a, quad b);                                                                                \
    int name(quad a, quad b) {                                                                               \
        return compare(a, b, unordered, order);                                                              \
    }

COMPARISON(__eqtf2, 1, false)
COMPARISON(__netf2, 1, false)
COMPARISON(__lttf2, 1, true)
COMPARISON(__letf2, 1, true)
COMPARISON(__gttf2, -1, true)
COMPARISON(__getf2, -1, true)

int __unordtf2(quad, quad);
int __unordtf2(quad x, quad y) {
    struct number a = quad_take(x), b = quad_take(y);
    if (a.signalling || b.signalling)
        floating_raise(FP_INVALID);
    return a.kind == KIND_NAN || b.kind == KIND_NAN;
}
