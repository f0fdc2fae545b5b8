/* SPDX-License-Identifier: MIT */
/* qsort_r. musl's own sort, in place and not stable, is for when there is no memory. */
#define _GNU_SOURCE
#include <features.h>

#undef weak_alias
#define weak_alias(old, new)
#define __qsort_r __popcorn_sort_in_place
#include "stdlib/qsort.c"
#undef __qsort_r

struct order {
    int (*function)(const void *, const void *, void *);
    void *argument;
};

static inline int order_of(const struct order *order, const void *a, const void *b) {
    return order->function(a, b, order->argument);
}

#include "merge_sort.h"

void qsort_r(void *base, size_t count, size_t width, int (*function)(const void *, const void *, void *),
             void *argument) {
    struct order order = {function, argument};
    if (!merge_sort(base, count, width, &order))
        __popcorn_sort_in_place(base, count, width, function, argument);
}
