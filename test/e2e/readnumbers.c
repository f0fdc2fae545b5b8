/* SPDX-License-Identifier: MIT */
/* e2e: self=every:3000@self hop=random:3000:9 limit=120 */
/*
 * strtod and strtof of numbers in all forms, and of what only begins like one: every bit, and where the text
 * ends. A correct result is the same in every libc; a hash of each kind tells where they differ.
 */
#include "e2e.h"

#include <stddef.h>

enum { KINDS = 8, NUMBERS = 20000 };

static uint64_t state = 88172645463325252u;

static uint64_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void make(int kind, char *text) {
    uint64_t r = random_bits();
    double d;
    switch (kind) {
    case 0: /* a few digits */
        sprintf(text, "%d.%0*d", (int)(r % 100000), (int)(r >> 20) % 8 + 1, (int)(r >> 32) % 10000);
        break;
    case 1: /* whole numbers of any length */
        sprintf(text, "%llu", (unsigned long long)(r >> random_bits() % 64));
        break;
    case 2: /* digits and an exponent */
        sprintf(text, "%c%llue%d", " +-"[r % 3], (unsigned long long)(r >> random_bits() % 60),
                (int)(random_bits() % 60) - 30);
        break;
    case 3: /* any double, as short as can be and longer */
        memcpy(&d, &r, sizeof d);
        sprintf(text, "%.*g", (int)(random_bits() % 3) + 15, d);
        break;
    case 4: /* leading and trailing zeros */
        sprintf(text, "%s%0*d.%0*d%s", r & 1 ? "-" : "", (int)(r >> 8) % 30 + 1, (int)(r >> 16) % 100,
                (int)(r >> 24) % 40 + 1, (int)(r >> 32) % 1000, r & 2 ? "e+05" : "000");
        break;
    case 5: /* hexadecimal */
        sprintf(text, "%a", (double)(int64_t)r / (double)(1u << (random_bits() & 31)));
        break;
    case 6: /* halfway between two floats, and next to it */
        sprintf(text, "%u.%05u", (1u << 24) + (unsigned)(r & 0xffff), (unsigned)(r >> 32) % 3 * 49999 + 1);
        break;
    default: /* like a number, or not */
        for (int i = 0, length = (int)(r % 12); i <= length; i++)
            text[i] = i == length ? 0 : "0123456789.eE+-xinf "[random_bits() % 20];
    }
}

static void add(uint64_t *hash, const void *value, size_t size) {
    const unsigned char *p = value;
    while (size--)
        *hash = (*hash ^ *p++) * 1099511628211u;
}

int main(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        uint64_t doubles = 14695981039346656037u, floats = doubles;
        for (int i = 0; i < NUMBERS; i++) {
            char text[100], *end;
            make(kind, text);
            double d = strtod(text, &end);
            ptrdiff_t used = end - text;
            if (d != d) /* the sign of a NaN is nobody's business */
                d = 0;
            add(&doubles, &d, sizeof d);
            add(&doubles, &used, sizeof used);
            float f = strtof(text, &end);
            used = end - text;
            if (f != f)
                f = 0;
            add(&floats, &f, sizeof f);
            add(&floats, &used, sizeof used);
            point();
        }
        printf("%d %016llx %016llx\n", kind, (unsigned long long)doubles, (unsigned long long)floats);
    }
    return 0;
}
