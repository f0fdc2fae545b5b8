/* SPDX-License-Identifier: MIT */
/* e2e: modes=none,self,hop,back,same,far,away,afar */
/*
 * Values that a code generator keeps in its zero register while a call runs: the upper halves of widened
 * numbers.
 */
#include "e2e.h"

typedef unsigned __int128 wide;

enum { N = 60 };
static uint64_t a[N], c[N], d[2 * N];
static volatile long length = N; /* a loop known to be short has no points */

NOINLINE static uint64_t multiply_by_one(uint64_t *to, const uint64_t *from, long n, uint64_t by,
                                         uint64_t carry) {
    for (long i = 0; i < n; i++) {
        wide x = (wide)from[i] * by + carry;
        to[i] = (uint64_t)x;
        carry = x >> 64;
    }
    return carry;
}

NOINLINE static uint64_t add(uint64_t *to, const uint64_t *x, const uint64_t *y, long n) {
    uint64_t carry = 0;
    for (long i = 0; i < n; i++) {
        wide sum = (wide)x[i] + y[i] + carry;
        point();
        to[i] = (uint64_t)sum;
        carry = sum >> 64;
    }
    return carry;
}

NOINLINE static void multiply(uint64_t *to, const uint64_t *x, const uint64_t *y, long n) {
    memset(to, 0, 2 * (size_t)n * sizeof *to);
    for (long i = 0; i < n; i++) {
        wide carry = 0;
        for (long k = 0; k < n; k++) {
            carry += (wide)x[i] * y[k] + to[i + k];
            to[i + k] = (uint64_t)carry;
            carry >>= 64;
        }
        to[i + n] = (uint64_t)carry;
    }
}

NOINLINE static uint64_t divide(uint64_t *to, const uint64_t *from, long n, uint32_t by) {
    uint64_t rest = 0;
    for (long i = n; i-- > 0;) {
        wide x = (wide)rest << 64 | from[i];
        to[i] = (uint64_t)(x / by);
        rest = (uint64_t)(x % by);
    }
    return rest;
}

int main(void) {
    long n = length;
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < N; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        a[i] = x;
    }
    uint64_t carry = multiply_by_one(c, a, n, x | 1, 7);
    printf("%lx %lx\n", (long)carry, (long)hash_bytes(c, sizeof c));
    carry = add(c, c, a, n);
    printf("%lx %lx\n", (long)carry, (long)hash_bytes(c, sizeof c));
    multiply(d, a, c, n);
    printf("%lx\n", (long)hash_bytes(d, sizeof d));
    carry = divide(c, a, n, 1000003);
    printf("%lx %lx\n", (long)carry, (long)hash_bytes(c, sizeof c));
    return 0;
}
