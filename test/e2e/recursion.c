/* SPDX-License-Identifier: MIT */
/* e2e: self=every:9973@self hop=every:20011 min=10 */
/* 100,000 frames deep, and migrating from every depth. */
#include "e2e.h"

static NOINLINE long down(long n, long a, double x) {
    point();
    if (n == 0)
        return a;
    long inner = down(n - 1, a + (n & 3), x * 0.5 + 1);
    point();
    return inner + (long)x + (n & 1);
}

static NOINLINE int odd(int n);
static NOINLINE int even(int n) {
    int r = n == 0 ? 1 : odd(n - 1);
    point();
    return r;
}
static NOINLINE int odd(int n) {
    int r = n == 0 ? 0 : even(n - 1);
    point();
    return r;
}

static NOINLINE int ackermann(int m, int n) {
    point();
    if (m == 0)
        return n + 1;
    return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static NOINLINE int fib(int n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(void) {
    printf("deep %ld\n", down(100000, 1, 1.5));
    printf("even %d %d\n", even(10000), even(10001));
    printf("ackermann %d\n", ackermann(2, 9));
    printf("fib %d\n", fib(18));
    return 0;
}
