/* SPDX-License-Identifier: MIT */
/* Floating point of 16 bits, live at migration points, as arguments, results and unnamed arguments, and its
 * conversions. */
/* e2e: hop=every:5 */
#include <math.h>
#include <stdarg.h>

#include "e2e.h"

typedef _Float16 half8 __attribute__((vector_size(16)));

struct pair {
    _Float16 a;
    __fp16 b;
};

static uint16_t bits(_Float16 h) {
    uint16_t b;
    memcpy(&b, &h, sizeof b);
    return h != h ? 0x7e00 : b;
}

static NOINLINE _Float16 step(_Float16 x, _Float16 y, float scale) {
    _Float16 product = x * y;
    point();
    return product / (_Float16)3 + (_Float16)scale;
}

static NOINLINE struct pair swap(struct pair p) {
    point();
    return (struct pair){(_Float16)p.b, p.a};
}

static NOINLINE _Float16 sum(int n, ...) {
    va_list list;
    _Float16 total = 0;
    va_start(list, n);
    for (int i = 0; i < n; i++) {
        total += va_arg(list, _Float16);
        point();
    }
    va_end(list);
    return total;
}

static NOINLINE void conversions(double d) {
    _Float16 h = (_Float16)d;
    point();
    printf("%04x %04x %a", bits(h), bits((_Float16)(float)d), (double)h);
    if (isfinite((float)h))
        printf(" %d %lld", (int)h, (long long)(__int128)h);
    if (h >= 0 && isfinite((float)h))
        printf(" %u %llu", (unsigned)h, (unsigned long long)(unsigned __int128)h);
    printf(" %d\n", h < (_Float16)1.5);
}

static NOINLINE void integers(long l) {
    __int128 wide = (__int128)l * l * l;
    point();
    printf("%04x %04x %04x %04x\n", bits((_Float16)l), bits((_Float16)(int)l), bits((_Float16)(unsigned)l),
           bits((_Float16)wide));
}

static NOINLINE half8 vectors(half8 v, half8 w) {
    half8 product = v * w;
    point();
    return product + v;
}

/* __bf16 is a float's upper half, rounded. Debian's libgcc has no function for it. */
static NOINLINE float brain(float f) {
#ifdef __popcorn__
    __bf16 b = (__bf16)f;
    point();
    return (float)b * 3;
#else
    uint32_t word;
    memcpy(&word, &f, sizeof word);
    word = (word + 0x7fff + (word >> 16 & 1)) & 0xffff0000;
    memcpy(&f, &word, sizeof f);
    return f * 3;
#endif
}

int main(void) {
    static const double values[] = {0.0, -0.0, 1.0,     0.1,  -2.5,   65504,   65519.99, 65520,
                                    1e9, 6e-8, 2.98e-8, 3e-8, 6.1e-5, 1.0 / 3, 2049.0,   2051.0};
    _Float16 x = 1, y = 1.5;
    for (int i = 0; i < 40; i++) {
        _Float16 old = x;
        x = step(x, y, 0.5f * (float)(i % 7));
        y = old - (_Float16)0.25 * y;
        printf("%04x %04x\n", bits(x), bits(y));
    }
    struct pair p = swap((struct pair){(_Float16)1.25, (__fp16)-3});
    printf("%04x %04x %04x\n", bits(p.a), bits((_Float16)p.b), bits(sum(4, x, y, (_Float16)1, p.a)));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        conversions(values[i]);
    for (long l = 1; l < 1000000000000; l *= -7)
        integers(l);
    half8 v = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int i = 0; i < 5; i++)
        v = vectors(v, (half8){0.5, 0.25, 1, -1, 2, 0.125, 3, 0.1});
    for (int i = 0; i < 8; i++)
        printf("%04x ", bits(v[i]));
    printf("%a %a\n", brain(1.01f), brain(-3e38f));
    return 0;
}
