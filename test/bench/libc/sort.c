/* SPDX-License-Identifier: MIT */
/* qsort of 10,000 ints, pointers to strings, and structs; in random order, sorted, and with many equal. */
#include "measure.h"

enum { COUNT = 10000 };

struct record {
    char name[40];
    long key;
};

static int ints[COUNT], work_ints[COUNT];
static const char *strings[COUNT], *work_strings[COUNT];
static struct record records[COUNT], work_records[COUNT];

static int compare_ints(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int compare_strings(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_records(const void *a, const void *b) {
    long x = ((const struct record *)a)->key, y = ((const struct record *)b)->key;
    return (x > y) - (x < y);
}

#define SORT(name, from, to, compare)                                                                        \
    MEASURE(name, 1, (memcpy(to, from, sizeof from), qsort(to, COUNT, sizeof *to, compare)))

int main(void) {
    unsigned state = 1;
    for (int i = 0; i < COUNT; i++) {
        state = state * 1103515245u + 12345u;
        ints[i] = (int)(state >> 4);
        records[i].key = ints[i] % 1000;
        snprintf(records[i].name, sizeof records[i].name, "%d", ints[i]);
        strings[i] = records[i].name;
    }
    SORT("qsort-ints", ints, work_ints, compare_ints);
    SORT("qsort-strings", strings, work_strings, compare_strings);
    SORT("qsort-records", records, work_records, compare_records);
    SORT("qsort-sorted", work_ints, ints, compare_ints);
    return 0;
}
