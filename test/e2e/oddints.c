/* SPDX-License-Identifier: MIT */
/* Integers of odd widths that are live at migration points: bool, bit-fields, __int128, _BitInt, char and
 * short. */
#include "e2e.h"

#include <stdbool.h>

struct fields {
    unsigned a : 3;
    signed b : 5;
    unsigned long c : 37;
    signed char d : 7;
    bool e : 1;
};

static NOINLINE unsigned __int128 multiply(unsigned __int128 a, uint64_t b) {
    point();
    return a * b + 1;
}

static NOINLINE bool flip(bool b, int i) {
    point();
    return (i % 3 == 0) ^ b;
}

static void print128(const char *name, unsigned __int128 v) {
    printf("%s %016llx%016llx\n", name, (unsigned long long)(v >> 64), (unsigned long long)v);
}

static NOINLINE void odd_widths(void) {
    _BitInt(17) narrow = 3;
    unsigned _BitInt(37) middle = 5;
    _BitInt(65) wide = -1;
    signed char c = 100;
    short s = -300;
    unsigned char u = 250;
    for (int i = 0; i < 30; i++) {
        narrow = (_BitInt(17))(narrow * 3 - i);
        point();
        middle = (unsigned _BitInt(37))(middle * 11 + (unsigned)i);
        wide = (_BitInt(65))(wide * 3 + narrow);
        point();
        c = (signed char)(c * 3 + 1);
        s = (short)(s * 5 - c);
        u = (unsigned char)(u + s);
    }
    printf("odd %d %llu %lld %d %d %d\n", (int)narrow, (unsigned long long)middle, (long long)(wide >> 2), c,
           s, u);
}

int main(void) {
    unsigned __int128 product = 1;
    __int128 negative = -1;
    for (int i = 0; i < 25; i++) {
        product = multiply(product, 1000003u + (unsigned)i);
        negative = negative * 7 - (__int128)i;
        point();
    }
    print128("product", product);
    print128("negative", (unsigned __int128)negative);
    print128("quotient", product / 1234567891011u);
    print128("rest", (unsigned __int128)(negative % 1000000007));

    struct fields f = {5, -7, 123456789012, -30, true};
    for (int i = 0; i < 40; i++) {
        point();
        f.a++;
        f.b = (signed char)((f.b + 3) & 15);
        f.c = f.c * 3 + f.a;
        f.d = (signed char)((f.d + 5) & 63);
        f.e = !f.e;
    }
    printf("fields %d %d %lu %d %d\n", f.a, f.b, (unsigned long)f.c, f.d, f.e);

    bool b = true;
    int trues = 0;
    for (int i = 0; i < 100; i++) {
        b = flip(b, i);
        trues += b;
    }
    printf("bool %d %d\n", trues, b);
    char plain = (char)200;
    printf("char %d\n", plain < 0);
    odd_widths();
    return 0;
}
