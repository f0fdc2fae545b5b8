/* SPDX-License-Identifier: MIT */
/* Globals of all kinds have one address everywhere: data, bss, constants, pointers among them, constructors,
 * weak. */
#include "e2e.h"

static int counter = 5;
static char big[48 << 20];
static const char *const names[] = {"alpha", "beta", "gamma"};
static struct link {
    struct link *to;
    int *what;
    const char *name;
} ring[3] = {{&ring[1], &counter, "a"}, {&ring[2], &counter, "b"}, {&ring[0], &counter, "c"}};
static char *const into_big = big + sizeof big / 2;
int undefined_maybe(void) __attribute__((weak));
__attribute__((weak)) int overridable(void) {
    return 3;
}
static int order;

__attribute__((constructor(200))) static void second(void) {
    order = order * 10 + 2;
}
__attribute__((constructor(150))) static void first(void) {
    order = order * 10 + 1;
}
__attribute__((destructor)) static void last(void) {
    printf("destructor %d\n", counter);
}

static NOINLINE int static_local(void) {
    static int calls = 100;
    point();
    return calls++;
}

int main(void) {
    const struct link *l = ring;
    for (int i = 0; i < 30; i++) {
        point();
        *l->what += i;
        l = l->to;
        static_local();
    }
    printf("%d %s %d\n", counter, l->name, static_local());
    for (size_t i = 0; i < sizeof big; i += 1 << 20) {
        point();
        big[i] = (char)(i >> 20);
    }
    printf("%d %d\n", *into_big, big[47 << 20]);
    for (int i = 0; i < 3; i++) {
        point();
        fputs(names[i], stdout);
    }
    printf(" %d %d %d\n", undefined_maybe != NULL, overridable(), order);
    return 0;
}
