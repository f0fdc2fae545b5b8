/* SPDX-License-Identifier: MIT */
/* e2e: modes=none,self,hop func=asks self=func:asks@self,func:asks_below@self,1@self */
/* e2e: hop=func:asks@1,func:asks_below@2,func:asks_again@0 */
/* A point made by check_migrate() belongs to the function that calls it, for func: rules too. */
#include "e2e.h"

static int here(void) {
#ifdef __popcorn__
    return current_nid();
#else
    return 0;
#endif
}

/* Is the thread, under the rules of mode hop, where they want it? */
static void check(int wanted) {
    const char *rules = getenv("POPCORN_MIGRATE");
    require(!rules || !strstr(rules, "asks_again") || here() == wanted);
}

static NOINLINE int never_asks(int x) {
    return x * 3 + 1;
}

static NOINLINE int asks(int x) {
    int before = never_asks(x);
    point();
    check(1);
    return before + x;
}

static NOINLINE int asks_below(int depth) {
    if (depth > 0)
        return asks_below(depth - 1) + depth;
    point();
    check(2);
    return 100;
}

static NOINLINE int asks_again(int x) {
    int local = x, *pointer = &local;
    point();
    check(0);
    return *pointer + x;
}

int main(void) {
    point();
    check(0);
    int sum = asks(5);
    sum += asks_below(7);
    sum += asks_again(11);
    printf("sum %d\n", sum);
    return 0;
}
