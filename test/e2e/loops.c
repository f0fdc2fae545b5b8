/* SPDX-License-Identifier: MIT */
/* e2e: limit=120 */
/* Counted loops of all shapes, which are cut into strips and vectorised by each image in its own way. */
#include "e2e.h"

enum { MOST = 20011 };
static unsigned words[MOST];
static unsigned char bytes[MOST];
static short shorts[MOST];
static float floats[MOST];
static double doubles[MOST];

static void fill(void) {
    for (int i = 0; i < MOST; i++) {
        words[i] = (unsigned)(i * 7919L % 50021);
        bytes[i] = (unsigned char)(i * 31 >> 3);
        shorts[i] = (short)(i * 257);
        floats[i] = (float)i / 3;
        doubles[i] = (double)i / 7;
    }
}

static NOINLINE unsigned sum(const unsigned *p, int n) {
    unsigned s = 0;
    for (int i = 0; i < n; i++)
        s += p[i];
    return s;
}

static NOINLINE unsigned downwards(const unsigned *p, int n) {
    unsigned s = 0;
    while (n-- > 0)
        s ^= p[n] * (unsigned)n;
    return s;
}

static NOINLINE int find(const unsigned *p, int n, unsigned x) {
    for (int i = 0; i < n; i++)
        if (p[i] == x)
            return i;
    return -1;
}

static NOINLINE unsigned hash(const unsigned char *p, const unsigned char *end) {
    unsigned h = 7;
    while (p != end)
        h = h * 31 + *p++;
    return h;
}

static NOINLINE unsigned backwards(const short *begin, const short *p) {
    unsigned h = 7;
    while (p-- != begin)
        h = (h << 3 | h >> 29) + (unsigned)*p;
    return h;
}

static NOINLINE long strided(const unsigned char *p, long n, long from) {
    long s = 0;
    for (long i = from; i < n; i += 3)
        s += p[i];
    return s;
}

static NOINLINE unsigned long steps_down(const short *p, long n) {
    unsigned long s = 0;
    for (long i = n; i >= 0; i -= 5)
        s = s * 3 + (unsigned long)p[i];
    return s;
}

static NOINLINE unsigned char narrow(unsigned char n) {
    unsigned char k = 0, t = 0;
    do {
        t = (unsigned char)(t + k * 3);
        k++;
    } while (k != n);
    return t;
}

static NOINLINE unsigned short narrow16(unsigned short n) {
    unsigned short k = n, t = 0;
    do
        t = (unsigned short)(t * 5 + k++);
    while (k != n); /* all 65,536 values */
    return t;
}

static NOINLINE unsigned long inclusive(unsigned low, unsigned high) {
    unsigned long t = 0;
    for (unsigned i = low; i <= high; i++)
        t += i * (unsigned long)i;
    return t;
}

static NOINLINE void saxpy(float *y, const float *x, float a, int n) {
    for (int i = 0; i < n; i++)
        y[i] += a * x[i];
}

static NOINLINE void upper(unsigned char *s, int n) {
    for (int i = 0; i < n; i++)
        if (s[i] >= 'a' && s[i] <= 'z')
            s[i] = (unsigned char)(s[i] - 32);
}

static NOINLINE void overlap(unsigned *to, const unsigned *from, int n) {
    for (int i = 0; i < n; i++)
        to[i] = from[i] * 3 + 1;
}

static NOINLINE double ordered(const double *p, int n) {
    double s = 0;
    for (int i = 0; i < n; i++)
        s += p[i];
    return s;
}

static NOINLINE unsigned rotate(unsigned n) {
    unsigned a = 0, b = 1, c = 2;
    for (unsigned i = 0; i < n; i++) {
        unsigned t = a + (b ^ c);
        a = b;
        b = c;
        c = t;
    }
    return a * 31 + b * 7 + c;
}

static NOINLINE void blur(float (*to)[128], float (*from)[128], int rows, int columns) {
    for (int y = 1; y < rows - 1; y++)
        for (int x = 1; x < columns - 1; x++)
            to[y][x] = (from[y - 1][x] + from[y][x - 1] + from[y][x] + from[y][x + 1] + from[y + 1][x]) / 5;
}

static NOINLINE int first_far(const unsigned *p, const unsigned *q, int n, int *where) {
    for (int i = 0; i < n; i++) {
        if (p[i] > 50000)
            *where = i;
        if (q[n - 1 - i] == 17)
            return i;
    }
    return n;
}

int main(void) {
    static float image[64][128], blurred[64][128];
    fill();
    uint64_t t = 0;
    for (int n = 0; n < MOST; n += n / 3 + 1) {
        t = t * 3 + sum(words, n) + downwards(words, n);
        t = t * 5 + (uint64_t)find(words, n, (unsigned)n * 3 % 50021) + rotate((unsigned)n);
        t ^= hash(bytes, bytes + n) + backwards(shorts, shorts + n);
        for (int c = 0; c < 4; c++)
            t = t * 7 + (uint64_t)strided(bytes, n, c);
        t = t * 3 + steps_down(shorts, n) + narrow((unsigned char)n) + narrow16((unsigned short)n);
        int where = -1;
        t = t * 3 + (uint64_t)first_far(words, words, n, &where) + (uint64_t)where;
        saxpy(floats, floats + 1, 0.5f, n - 1);
        saxpy(floats + 1, floats, 0.25f, n - 1);
        upper(bytes, n);
        overlap(words + 5, words, n - 5);
        overlap(words, words + 1, n - 1);
        printf("%d: %016llx %.9g\n", n, (unsigned long long)t, ordered(doubles, n));
    }
    printf("%lu %lu\n", inclusive(3, 100000), inclusive(4294960000u, 4294967294u));
    for (int y = 0; y < 64; y++)
        for (int x = 0; x < 128; x++)
            image[y][x] = floats[y * 128 + x];
    for (int i = 0; i < 20; i++)
        blur(i % 2 ? image : blurred, i % 2 ? blurred : image, 64, 128 - i);
    for (int i = 0; i < 64; i++)
        printf("%a %a\n", (double)image[i][i], (double)floats[i * 300]);
    return 0;
}
