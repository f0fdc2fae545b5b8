/* SPDX-License-Identifier: MIT */
/* e2e: self=every:1@self hop=random:20:5 min=3 */
/*
 * What a declaration promises of a function does not hold for its second bodies: sizes and alignments of
 * results by a parameter's number, purity, no recursion, parameters that are not null or are returned. And a
 * malloc of the program's own, which may hop like any other function.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "e2e.h"

#define KEPT __attribute__((noinline))

static char pool[1 << 20] __attribute__((aligned(64)));
static size_t used, calls;
static volatile int rounds = 3;

static void wait_a_little(void) {
    for (int i = 0; i < rounds; i++)
        calls++;
}

void *malloc(size_t size) {
    wait_a_little();
    size_t *p = (size_t *)(pool + used);
    used += (size + 31) & ~(size_t)15;
    if (used > sizeof pool) {
        errno = ENOMEM;
        return NULL;
    }
    *p = size;
    return p + 2;
}

void free(void *p) {
    wait_a_little();
    (void)p;
}

void *calloc(size_t n, size_t size) {
    void *p = malloc(n * size);
    return p ? memset(p, 0, n * size) : p;
}

void *realloc(void *old, size_t size) {
    void *p = malloc(size);
    size_t before = old ? ((size_t *)old)[-2] : 0;
    return p && old ? memcpy(p, old, before < size ? before : size) : p;
}

void *aligned_alloc(size_t align, size_t size) {
    used = (used + 16 + align - 1) / align * align - 16;
    return malloc(size);
}

KEPT __attribute__((alloc_size(1, 2), malloc, returns_nonnull, warn_unused_result)) static void *
checked(size_t n, size_t size) {
    void *p;
    while (!(p = calloc(n, size)))
        exit(3);
    return p;
}

KEPT __attribute__((alloc_align(2), alloc_size(1))) static void *aligned(size_t size, size_t align) {
    wait_a_little();
    return aligned_alloc(align, size);
}

KEPT __attribute__((const)) static unsigned collatz(unsigned n) {
    unsigned steps = 0;
    for (; n != 1; n = n % 2 ? 3 * n + 1 : n / 2)
        steps++;
    return steps;
}

KEPT __attribute__((pure, nonnull)) static unsigned hash(const char *text) {
    unsigned h = 5381;
    for (; *text; text++)
        h = h * 33 + (unsigned char)*text;
    return h;
}

/* Its first parameter is its result. */
KEPT static char *fill(char *to, int c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (char)c;
        calls++;
    }
    to[n] = 0;
    return to;
}

KEPT __attribute__((noreturn, cold)) static void finish(int status) {
    for (int i = 0; i < rounds; i++)
        calls++;
    printf("calls %d\n", calls > 100);
    fflush(stdout);
    exit(status);
}

/* A variadic function that promises to read nothing but its arguments. */
KEPT __attribute__((pure)) static long sum(int n, ...) {
    va_list list;
    long total = 0;
    va_start(list, n);
    for (int i = 0; i < n; i++)
        total += va_arg(list, long);
    va_end(list);
    return total;
}

KEPT __attribute__((const)) static long const_sum(int n, ...) {
    va_list list;
    long total = 0;
    va_start(list, n);
    while (n--)
        total += va_arg(list, int);
    va_end(list);
    return total;
}

KEPT __attribute__((alloc_size(2), format(printf, 1, 3))) static char *print(const char *format, size_t room,
                                                                             ...) {
    va_list list;
    char *text = checked(1, room);
    wait_a_little();
    va_start(list, room);
    vsnprintf(text, room, format, list);
    va_end(list);
    return text;
}

KEPT __attribute__((hot, flatten, nothrow, leaf)) static signed char narrow(signed char a, unsigned short b) {
    wait_a_little();
    return (signed char)(a * 3 + b);
}

KEPT __attribute__((optnone)) static int slow(int n) {
    int s = 0;
    for (int i = 0; i < n; i++)
        s += i ^ n;
    return s;
}

KEPT __attribute__((minsize)) static int small(int n) {
    int s = 0;
    for (int i = 0; i < n; i++)
        s += i & n;
    return s;
}

int main(void) {
    unsigned *numbers = checked(100, sizeof *numbers);
    for (unsigned i = 0; i < 100; i++)
        numbers[i] = collatz(i + 1) + collatz(i + 1);
    char *text = aligned(100, 64);
    unsigned total = 0;
    for (unsigned i = 0; i < 100; i++)
        total = total * 31 + numbers[i];
    printf("%u %d %d\n", total, (uintptr_t)text % 64 == 0, (int)__builtin_object_size(numbers, 0) != 0);
    printf("%u\n", hash(fill(text, 'a', 99)) + hash(text));
    printf("%ld %ld\n", sum(4, 1L, 2L, 3L, 1L << 40), const_sum(5, 1, -2, 3, -4, 5));
    printf("%s\n", print("%d-%s-%ld", 40, 12, "twelve", 13L));
    printf("%d %d %d\n", narrow(100, 65535), slow(50), small(70));
    char *grown = realloc(strdup("strdup calls malloc"), 100);
    puts(strcat(grown, ", and so does realloc"));
    free(grown);
    finish(5);
}
