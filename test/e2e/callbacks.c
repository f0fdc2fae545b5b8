/* SPDX-License-Identifier: MIT */
/* Migrating in callbacks that libc calls, with libc's frames below. */
#include "e2e.h"

#include <search.h>

static int calls;

static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    point();
    calls++;
    return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b) {
    point();
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct record {
    char name[12];
    double key;
    long payload[3];
};

static int by_key(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    point();
    return (x->key > y->key) - (x->key < y->key);
}

/* Sorts inside the comparison of a sort. */
static int nested(const void *a, const void *b) {
    int inner[8];
    for (int i = 0; i < 8; i++)
        inner[i] = (*(const int *)a * (i + 3) + *(const int *)b * i) % 17;
    qsort(inner, 8, sizeof inner[0], by_value);
    point();
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static void visit(const void *node, VISIT which, int depth) {
    point();
    if (which == postorder || which == leaf)
        printf("%d ", **(int *const *)node);
    (void)depth;
}

int main(void) {
    enum { N = 200 };
    int numbers[N];
    uint32_t seed = 1;
    for (int i = 0; i < N; i++)
        numbers[i] = (int)next_random(&seed) % 1000;
    qsort(numbers, N, sizeof numbers[0], by_value);
    printf("sorted %d %d %d %016llx\n", numbers[0], numbers[N / 2], numbers[N - 1],
           (unsigned long long)hash_bytes(numbers, sizeof numbers));
    int key = numbers[77];
    int *found = bsearch(&key, numbers, N, sizeof numbers[0], by_value);
    printf("found %d\n", found && *found == key);

    char *words[] = {"pear", "apple", "fig", "cherry", "banana", "elder", "date", "grape"};
    qsort(words, 8, sizeof words[0], by_text);
    for (int i = 0; i < 8; i++)
        printf("%s ", words[i]);
    puts("");

    struct record records[30];
    for (int i = 0; i < 30; i++) {
        records[i] =
            (struct record){.key = (double)(next_random(&seed) % 1000) / 8, .payload = {i, i * i, -i}};
        snprintf(records[i].name, sizeof records[i].name, "r%d", i);
    }
    qsort(records, 30, sizeof records[0], by_key);
    for (int i = 0; i < 30; i += 7)
        printf("%.3f ", records[i].key);
    puts("");

    int few[12] = {5, 3, 9, 1, 12, 7, 2, 8, 11, 4, 10, 6};
    qsort(few, 12, sizeof few[0], nested);
    for (int i = 0; i < 12; i++)
        printf("%d ", few[i]);
    puts("");

    void *tree = NULL;
    int values[] = {4, 2, 6, 1, 3, 5, 7};
    for (int i = 0; i < 7; i++)
        tsearch(&values[i], &tree, by_value);
    twalk(tree, visit);
    puts("");
    for (int i = 0; i < 7; i++)
        tdelete(&values[i], &tree, by_value);
    require(tree == NULL && calls > 0);
    return 0;
}
