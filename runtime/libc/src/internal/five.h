/* SPDX-License-Identifier: MIT */
/*
 * Powers of five for what is between binary and decimal numbers.
 */
#ifndef POPCORN_FIVE_H
#define POPCORN_FIVE_H

#include <stdbool.h>
#include <stdint.h>

enum { FIVE_LEAST = -351, FIVE_MOST = 350 };

/* high : low is at least 2^127. A power of five is (high : low + x) * 2^exponent with 0 <= x < 3. */
struct five {
    uint64_t high, low;
    int exponent;
};

/* 5^power, FIVE_LEAST <= power <= FIVE_MOST. Returns whether x is 0. */
bool __popcorn_five(int power, struct five *five);

#endif
