/* SPDX-License-Identifier: MIT */
/* Variadic functions of the program's own, and a va_list that is live at migration points. */
#include "e2e.h"

#include <stdarg.h>

struct small {
    int a, b;
};
struct pair {
    long a;
    double b;
};
struct large {
    long v[5];
};

static NOINLINE long add_ints(int n, ...) {
    va_list list;
    long sum = 0;
    va_start(list, n);
    for (int i = 0; i < n; i++) {
        point();
        sum = sum * 3 + va_arg(list, int);
    }
    va_end(list);
    return sum;
}

static NOINLINE double by_format(const char *format, ...) {
    va_list list;
    double sum = 0;
    va_start(list, format);
    for (const char *f = format; *f; f++) {
        point();
        switch (*f) {
        case 'i':
            sum += va_arg(list, int);
            break;
        case 'l':
            sum += (double)va_arg(list, long long);
            break;
        case 'd':
            sum += va_arg(list, double);
            break;
        case 's':
            sum += (double)strlen(va_arg(list, const char *));
            break;
        case 'S': {
            struct small s = va_arg(list, struct small);
            sum += s.a * 10 + s.b;
            break;
        }
        case 'P': {
            struct pair p = va_arg(list, struct pair);
            sum += (double)p.a + p.b;
            break;
        }
        case 'L': {
            struct large s = va_arg(list, struct large);
            sum += (double)(s.v[0] + s.v[4]);
            break;
        }
        case 'q':
            sum += (double)(va_arg(list, __int128) >> 64);
            break;
        case 'p':
            sum += *va_arg(list, int *);
            break;
        }
    }
    va_end(list);
    return sum;
}

static NOINLINE int take_two(va_list *list) {
    int a = va_arg(*list, int);
    point();
    return a * 100 + va_arg(*list, int);
}

static NOINLINE void shared_list(int n, ...) {
    va_list list, copy;
    va_start(list, n);
    va_copy(copy, list);
    int first = take_two(&list);
    point();
    int second = take_two(&list);
    point();
    printf("list %d %d", first, second);
    for (int i = 0; i < n; i++) {
        point();
        printf(" %d", va_arg(copy, int));
    }
    printf("\n");
    va_end(copy);
    va_end(list);
}

static NOINLINE int print_to(char *buffer, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    point();
    int length = vsnprintf(buffer, size, format, list);
    va_end(list);
    return length;
}

static NOINLINE int recurse(int depth, ...) {
    va_list list;
    va_start(list, depth);
    int value = va_arg(list, int);
    int inner = depth ? recurse(depth - 1, value + 1, "unused", 2.5) : 0;
    point();
    const char *text = depth < 20 ? va_arg(list, const char *) : "";
    va_end(list);
    return inner + value + (int)strlen(text);
}

int main(void) {
    char buffer[200];
    int pointed = 7;
    int (*through)(char *, size_t, const char *, ...) = print_to;
    printf("ints %ld\n", add_ints(12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    printf("none %ld\n", add_ints(0));
    printf("mixed %.3f\n", by_format("ilidsdp", 1, 1LL << 40, -3, 2.5, "four", 0.125, &pointed));
    printf("structs %.3f\n", by_format("SiPdLS", (struct small){1, 2}, 3, (struct pair){4, 0.5}, 6.25,
                                       (struct large){{7, 0, 0, 0, 8}}, (struct small){9, 1}));
    printf("wide %.3f\n", by_format("iqidq", 1, (__int128)5 << 64, 2, 0.5, -((__int128)3 << 64)));
    shared_list(4, 11, 22, 33, 44);
    printf("%d ",
           print_to(buffer, sizeof buffer, "%s %d %5.2f %c %ld %x", "text", 42, 3.14159, 'z', -1L, 255u));
    puts(buffer);
    printf("%d ", through(buffer, sizeof buffer, "%d%d%d%d%d%d%d%d%g%g", 1, 2, 3, 4, 5, 6, 7, 8, 1.5, 2.5));
    puts(buffer);
    printf("recurse %d\n", recurse(20, 5));
    return 0;
}
