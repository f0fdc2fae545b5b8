/* SPDX-License-Identifier: MIT */
/* Function pointers: tables in read-only, data and heap memory, comparisons, libc's functions, objects with
 * methods. */
#include "e2e.h"

#include <ctype.h>

typedef long (*binary)(long, long);

static long add(long a, long b) {
    point();
    return a + b;
}
static long sub(long a, long b) {
    point();
    return a - b;
}
static long mul(long a, long b) {
    point();
    return a * b % 10007;
}
static const binary constant_table[] = {add, sub, mul};
static binary variable_table[3] = {mul, add, sub};

struct shape {
    const struct methods *methods;
    double a, b;
};
struct methods {
    const char *name;
    double (*area)(const struct shape *);
    void (*grow)(struct shape *, double);
};
static double box_area(const struct shape *s) {
    point();
    return s->a * s->b;
}
static double disc_area(const struct shape *s) {
    point();
    return 3 * s->a * s->a;
}
static void grow_both(struct shape *s, double by) {
    point();
    s->a += by;
    s->b += by;
}
static void grow_one(struct shape *s, double by) {
    point();
    s->a += by;
}
static const struct methods box = {"box", box_area, grow_both}, disc = {"disc", disc_area, grow_one};

static int compare_ints(const void *a, const void *b) {
    point();
    return *(const int *)a - *(const int *)b;
}
static int reverse(const void *a, const void *b) {
    return compare_ints(b, a);
}

/* A function that returns a function. */
static NOINLINE binary pick(int i) {
    point();
    return i % 2 ? constant_table[i % 3] : variable_table[i % 3];
}

static NOINLINE int apply(int (*f)(int), const char *text) {
    int count = 0;
    for (; *text; text++) {
        point();
        count += f((unsigned char)*text) != 0;
    }
    return count;
}

int main(void) {
    long value = 1;
    binary *heap = malloc(4 * sizeof *heap);
    for (int i = 0; i < 4; i++)
        heap[i] = pick(i);
    for (int i = 0; i < 60; i++) {
        value = pick(i)(value, i + 1);
        value = heap[i % 4](value, 3);
    }
    printf("value %ld\n", value);
    printf("equal %d %d\n", constant_table[0] == variable_table[1], heap[1] == constant_table[1]);
    free(heap);

    struct shape shapes[] = {{&box, 2, 3}, {&disc, 1, 0}, {&box, 1, 1}};
    double total = 0;
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < 3; i++) {
            shapes[i].methods->grow(&shapes[i], 0.5);
            total += shapes[i].methods->area(&shapes[i]);
        }
    printf("%s %s %.2f\n", shapes[0].methods->name, shapes[1].methods->name, total);

    int (*orders[])(const void *, const void *) = {compare_ints, reverse};
    for (int o = 0; o < 2; o++) {
        int v[] = {5, 1, 4, 2, 3};
        qsort(v, 5, sizeof v[0], orders[o]);
        printf("%d %d %d %d %d\n", v[0], v[1], v[2], v[3], v[4]);
    }
    printf("ctype %d %d\n", apply(isupper, "Hello World ABC"), apply(isdigit, "a1b22c333"));
    size_t (*volatile length)(const char *) = strlen;
    void *(*volatile copy)(void *, const void *, size_t) = memcpy;
    char text[16];
    copy(text, "copied", 7);
    point();
    printf("libc %zu %s\n", length(text), text);
    return 0;
}
