/* SPDX-License-Identifier: MIT */
/* e2e: self=every:1000@self hop=after:0.05s min=1 */
/* Loops without any call have migration points too. */
#include "e2e.h"

static NOINLINE uint64_t collatz(uint64_t limit) {
    uint64_t best = 0, most = 0;
    for (uint64_t start = 1; start < limit; start++) {
        uint64_t n = start, steps = 0;
        while (n != 1) {
            n = n & 1 ? 3 * n + 1 : n / 2;
            steps++;
        }
        if (steps > most) {
            most = steps;
            best = start;
        }
    }
    return best * 1000 + most;
}

static NOINLINE unsigned sieve(unsigned char *composite, unsigned n) {
    unsigned count = 0;
    for (unsigned i = 2; i < n; i++) {
        if (composite[i])
            continue;
        count++;
        for (unsigned j = 2 * i; j < n; j += i)
            composite[j] = 1;
    }
    return count;
}

int main(void) {
    static unsigned char flags[200000];
    printf("collatz %llu\n", (unsigned long long)collatz(100000));
    printf("primes %u\n", sieve(flags, sizeof flags));
    double x = 0.5;
    for (int i = 0; i < 1000000; i++)
        x = 3.7 * x * (1 - x);
    printf("logistic %a\n", x);
    return 0;
}
