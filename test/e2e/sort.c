/* SPDX-License-Identifier: MIT */
/* e2e: self=every:200@self hop=random:2000:9 limit=120 */
/*
 * qsort and qsort_r of elements of many sizes: sorted, and stable, in every order that the elements may have
 * before; comparisons migrate, sort something themselves, and leave by longjmp.
 */
#include "e2e.h"

#include <setjmp.h>

enum { MOST = 3000, WIDEST = 100 };

static unsigned char elements[MOST * WIDEST];
static size_t width, comparisons;
static uint32_t seed = 3;

/* The first byte is the key; what follows is the element's place in the beginning, if there is room. */
static int key_of(const unsigned char *p) {
    return p[0];
}

static int compare(const void *a, const void *b) {
    if (comparisons++ % 16 == 0)
        point();
    return key_of(a) - key_of(b);
}

static int compare_with(const void *a, const void *b, void *sign) {
    return *(int *)sign * compare(a, b);
}

static void fill(size_t count, int order) {
    for (size_t i = 0; i < count; i++) {
        unsigned char *p = elements + i * width;
        size_t key = order == 0   ? next_random(&seed) % 256
                     : order == 1 ? i * 256 / count
                     : order == 2 ? 255 - i * 256 / count
                                  : next_random(&seed) % 3;
        memset(p, 0, width);
        p[0] = (unsigned char)key;
        if (width >= 4) {
            p[1] = (unsigned char)(i >> 8);
            p[2] = (unsigned char)i;
            p[width - 1] = (unsigned char)(i * 7);
        }
    }
}

static void check(size_t count, int sign) {
    for (size_t i = 1; i < count; i++) {
        const unsigned char *p = elements + (i - 1) * width, *q = p + width;
        int order = sign * (key_of(p) - key_of(q));
        require(order <= 0);
        if (width >= 4) {
            int before = p[1] << 8 | p[2], place = q[1] << 8 | q[2];
            require(order || before < place);
            require(width == 4 || q[width - 1] == (unsigned char)(place * 7));
        }
    }
}

static jmp_buf out;
static size_t calls;

static int leave(const void *a, const void *b) {
    if (++calls == 100)
        longjmp(out, 1);
    return compare(a, b);
}

static int nested(const void *a, const void *b) {
    int few[5] = {3, 1, 2, 5, 4};
    qsort(few, 5, sizeof *few, compare);
    require(few[0] == 1 && few[4] == 5);
    return compare(a, b);
}

int main(void) {
    static const size_t widths[] = {1, 2, 3, 4, 7, 8, 12, 16, 24, 32, 33, 40, 100};
    static const size_t counts[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 100, 1000, MOST};
    int up = 1, down = -1;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int order = 0; order < 4; order++) {
                width = widths[w];
                fill(counts[c], order);
                qsort(elements, counts[c], width, compare);
                check(counts[c], up);
                fill(counts[c], order);
                qsort_r(elements, counts[c], width, compare_with, &down);
                check(counts[c], down);
            }
    width = 8;
    fill(500, 0);
    if (!setjmp(out))
        qsort(elements, 500, width, leave);
    printf("left after %zu comparisons\n", calls);
    fill(200, 0);
    qsort(elements, 200, width, nested);
    check(200, up);
    printf("sorted\n");
    return 0;
}
