/* SPDX-License-Identifier: MIT */
/*
 * The product of two 128-bit integers, and whether it overflows: code generators call this function of LLVM's
 * own library, which GCC's lacks.
 */
#include <stdbool.h>

typedef __int128 int128;
typedef unsigned __int128 uint128;

int128 __muloti4(int128 a, int128 b, int *overflow);

/* High halves that are both there overflow; so does what the mixed products put beyond 128 bits. */
static bool multiply(uint128 a, uint128 b, uint128 *product) {
    uint128 low = (uint128)(unsigned long)a * (unsigned long)b;
    uint128 high_a = a >> 64, high_b = b >> 64;
    uint128 mixed = high_a ? high_a * (unsigned long)b : high_b * (unsigned long)a;

    *product = low + (mixed << 64);
    return (high_a && high_b) || mixed >> 64 || *product < low;
}

int128 __muloti4(int128 a, int128 b, int *overflow) {
    bool negative = (a < 0) != (b < 0);
    uint128 most = ((uint128)-1 >> 1) + negative, magnitude;
    bool wrapped = multiply(a < 0 ? -(uint128)a : (uint128)a, b < 0 ? -(uint128)b : (uint128)b, &magnitude);

    *overflow = wrapped || magnitude > most;
    return (int128)(negative ? -magnitude : magnitude);
}
