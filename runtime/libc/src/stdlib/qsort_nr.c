/* SPDX-License-Identifier: MIT */
/* qsort, whose comparison takes no argument: not by way of qsort_r, which would call it through another
 * function. */
#define _GNU_SOURCE
#include <stdlib.h>

struct order {
    int (*function)(const void *, const void *);
};

static inline int order_of(const struct order *order, const void *a, const void *b) {
    return order->function(a, b);
}

#include "merge_sort.h"

void __popcorn_sort_in_place(void *, size_t, size_t, int (*)(const void *, const void *, void *), void *);

static int with_argument(const void *a, const void *b, void *function) {
    return ((int (*)(const void *, const void *))function)(a, b);
}

void qsort(void *base, size_t count, size_t width, int (*function)(const void *, const void *)) {
    struct order order = {function};
    if (!merge_sort(base, count, width, &order))
        __popcorn_sort_in_place(base, count, width, with_argument, (void *)function);
}
