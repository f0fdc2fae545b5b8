/* SPDX-License-Identifier: MIT */
/* Integers of 65 to 128 bits among unnamed arguments, behind odd and even numbers of slots, and what follows
 * them. (Natively, clang for x86_64 reads some from elsewhere than it writes them.) */
#include "e2e.h"

#include <stdarg.h>

typedef _BitInt(128) bits128;
typedef unsigned _BitInt(100) bits100;
typedef _BitInt(65) bits65;

struct wrapped {
    bits128 bits;
};

static void show(char type, __int128 value) {
    printf(" %c:%llx:%llx", type, (unsigned long long)(value >> 64), (unsigned long long)value);
}

static NOINLINE void read_wide(char type, va_list *list) {
    point();
    if (type == 'b')
        show(type, va_arg(*list, bits128));
    else if (type == 'h')
        show(type, (__int128)va_arg(*list, bits100));
    else if (type == 's')
        show(type, va_arg(*list, struct wrapped).bits);
    else
        show(type, (__int128)va_arg(*list, bits65));
}

static NOINLINE void list(const char *types, ...) {
    va_list list;
    va_start(list, types);
    printf("%s", types);
    for (const char *t = types; *t; t++) {
        point();
        switch (*t) {
        case 'i':
            show(*t, va_arg(list, int));
            break;
        case 'd':
            printf(" %g", va_arg(list, double));
            break;
        case 'q':
            show(*t, va_arg(list, __int128));
            break;
        case 'B':
            show(*t, va_arg(list, bits128));
            break;
        case 'T': /* what is left of it */
            show(*t, (_BitInt(7))va_arg(list, bits128));
            break;
        default:
            read_wide(*t, &list);
        }
    }
    va_end(list);
    puts("");
}

int main(void) {
    volatile bits128 b = (bits128)-5 * ((bits128)1 << 70) + 3;
    volatile bits100 h = ((bits100)7 << 80) + 11;
    volatile bits65 n = -((bits65)1 << 63) + 9;
    volatile __int128 q = ((__int128)77 << 64) + 13;
    struct wrapped s = {b - 1};
    list("b", b);
    list("iBi", 1, b, 2);
    list("ibiqi", 1, b, 2, q, 3);
    list("hihdh", h, 4, h, 2.5, h);
    list("nininB", n, 5, n, 6, n, b);
    list("iiTiT", 7, 8, b, 9, b);
    list("sisiBq", s, 10, s, 11, b, q);
    list("idBdhdn", 12, 1.5, b, 3.5, h, 4.5, n);
    list("iiiiiiiiiBihiqi", 1, 2, 3, 4, 5, 6, 7, 8, 9, b, 10, h, 11, q, 12);
    return 0;
}
