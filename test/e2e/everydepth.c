/* SPDX-License-Identifier: MIT */
/* Hops at each depth of a recursion, going down and coming up. */
#include "e2e.h"

struct state {
    int depth;
    struct state *up;
    char text[24];
};

static NOINLINE int climb(struct state *up, int depth, uint64_t salt, float f) {
    struct state here = {depth, up, ""};
    snprintf(here.text, sizeof here.text, "level %d", depth);
    point();
    int below = depth < 120 ? climb(&here, depth + 1, salt * 31 + (uint64_t)depth, f * 1.01f) : 0;
    point();
    int chain = 0;
    for (const struct state *s = &here; s; s = s->up)
        chain += s->depth;
    require(here.text[6] == '0' + (depth < 10 ? depth : depth < 100 ? depth / 10 : depth / 100));
    return (below * 3 + chain + (int)(salt & 0xff) + (int)f) & 0xffffff;
}

int main(void) {
    printf("%d\n", climb(NULL, 0, 7, 1));
    return 0;
}
