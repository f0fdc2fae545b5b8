/* SPDX-License-Identifier: MIT */
/* The Mandelbrot set, and primes by a sieve. */
#include <stdio.h>
#include <string.h>

static int escape(double x, double y, int most) {
    double a = 0, b = 0;
    int n = 0;
    for (; n < most && a * a + b * b < 4; n++) {
        double t = a * a - b * b + x;
        b = 2 * a * b + y;
        a = t;
    }
    return n;
}

static int primes(unsigned char *composite, int n) {
    int count = 0;
    memset(composite, 0, (size_t)n);
    for (int i = 2; i < n; i++) {
        if (composite[i])
            continue;
        count++;
        for (long j = (long)i * i; j < n; j += i)
            composite[j] = 1;
    }
    return count;
}

int main(void) {
    static unsigned char flags[2000000];
    unsigned long sum = 0;
    for (int y = 0; y < 400; y++)
        for (int x = 0; x < 400; x++)
            sum += (unsigned)escape(x / 160.0 - 2, y / 160.0 - 1.25, 200);
    for (int i = 0; i < 12; i++)
        sum = sum * 3 + (unsigned)primes(flags, (int)sizeof flags);
    printf("%lu\n", sum);
    return 0;
}
