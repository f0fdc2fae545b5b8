/* SPDX-License-Identifier: MIT */
/*
 * qsort and qsort_r: a merge sort, stable as programs have come to expect, from runs of four upwards between
 * the array and as much memory again. Large elements are sorted by pointers, then moved once. Who includes
 * this says what a comparison is:
 *
 *   struct order                    the comparison function and its argument
 *   order_of(order, a, b)           less than, equal to, or greater than 0
 *
 * Comparisons may take long, migrate, and leave by longjmp: then only the memory is not given back.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { RUN = 4, LARGE = 32, ON_STACK = 1024 };

struct sort {
    const struct order *order;
    size_t width;  /* of what is moved */
    bool indirect; /* that is pointers to the elements */
};

static inline void move(char *to, const char *from, size_t width) {
    if (width == 8)
        memcpy(to, from, 8);
    else if (width == 4)
        memcpy(to, from, 4);
    else
        memcpy(to, from, width);
}

static inline int compare(const struct sort *s, const char *a, const char *b) {
    if (!s->indirect)
        return order_of(s->order, a, b);
    return order_of(s->order, *(char *const *)a, *(char *const *)b);
}

static void sort_run(const struct sort *s, char *first, char *end) {
    char kept[LARGE];
    size_t width = s->width;
    for (char *p = first + width; p < end; p += width)
        for (char *q = p; q > first && compare(s, q - width, q) > 0; q -= width) {
            move(kept, q, width);
            move(q, q - width, width);
            move(q - width, kept, width);
        }
}

/* Merges [a, b) and [b, end) to `to`. */
static void merge(const struct sort *s, char *to, char *a, char *b, char *end) {
    size_t width = s->width;
    char *const a_end = b;
    if (b < end && compare(s, b - width, b) > 0)
        while (a < a_end && b < end) {
            bool first = compare(s, a, b) <= 0;
            move(to, first ? a : b, width);
            to += width;
            a += first ? width : 0;
            b += first ? 0 : width;
        }
    memcpy(to, a, (size_t)(a_end - a));
    memcpy(to + (a_end - a), b, (size_t)(end - b));
}

static void sort_by(const struct sort *s, char *base, size_t count, char *other) {
    size_t size = count * s->width;
    char *from = base;
    for (size_t run = RUN * s->width, at = 0; at < size; at += run)
        sort_run(s, base + at, base + (size - at < run ? size : at + run));
    for (size_t run = RUN * s->width; run < size; run *= 2) {
        for (size_t at = 0; at < size; at += 2 * run) {
            size_t middle = size - at < run ? size : at + run,
                   end = size - at < 2 * run ? size : at + 2 * run;
            merge(s, other + at, from + at, from + middle, from + end);
        }
        char *sorted = other;
        other = from;
        from = sorted;
    }
    if (from != base)
        memcpy(base, from, size);
}

/* Puts each element where its pointer is, cycle by cycle. */
static void follow(char *base, size_t count, size_t width, char **pointers, char *kept) {
    for (size_t i = 0; i < count; i++) {
        if (pointers[i] == base + i * width)
            continue;
        size_t place = i;
        memcpy(kept, base + i * width, width);
        for (;;) {
            char *from = pointers[place];
            pointers[place] = base + place * width;
            if (from == base + i * width)
                break;
            memcpy(base + place * width, from, width);
            place = (size_t)(from - base) / width;
        }
        memcpy(base + place * width, kept, width);
    }
}

/* False if there is no memory for it; then nothing has been done. */
static bool merge_sort(void *base, size_t count, size_t width, const struct order *order) {
    struct sort s = {order, width, width > LARGE};
    _Alignas(16) char local[ON_STACK];
    if (count < 2 || !width)
        return true;
    size_t size = s.indirect ? 2 * count * sizeof(char *) + width : count * width;
    char *memory = size <= sizeof local ? local : malloc(size);
    if (!memory)
        return false;
    if (s.indirect) {
        char **pointers = (char **)memory;
        for (size_t i = 0; i < count; i++)
            pointers[i] = (char *)base + i * width;
        s.width = sizeof *pointers;
        sort_by(&s, memory, count, (char *)(pointers + count));
        follow(base, count, width, pointers, (char *)(pointers + 2 * count));
    } else {
        sort_by(&s, base, count, memory);
    }
    if (memory != local)
        free(memory);
    return true;
}
