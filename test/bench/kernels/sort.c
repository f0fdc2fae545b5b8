/* SPDX-License-Identifier: MIT */
/* Sorting: quicksort, heapsort, radix sort, and a list by merging. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 200000 };
struct item {
    struct item *next;
    uint32_t key;
};
static uint32_t list[N], other[N];
static struct item items[N];

static void fill(uint32_t seed) {
    for (int i = 0; i < N; i++)
        list[i] = seed = seed * 1664525 + 1013904223;
}

static void quick(uint32_t *a, long n) {
    while (n > 16) {
        uint32_t pivot = a[n / 2];
        long i = 0, j = n - 1;
        for (;; i++, j--) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i >= j)
                break;
            uint32_t t = a[i];
            a[i] = a[j];
            a[j] = t;
        }
        quick(a, i);
        a += i;
        n -= i;
    }
    for (long i = 1; i < n; i++) {
        uint32_t v = a[i];
        long j = i;
        for (; j && a[j - 1] > v; j--)
            a[j] = a[j - 1];
        a[j] = v;
    }
}

static void sink(uint32_t *a, long i, long n) {
    uint32_t v = a[i];
    for (long child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && a[child + 1] > a[child])
            child++;
        if (a[child] <= v)
            break;
        a[i] = a[child];
    }
    a[i] = v;
}

static void heap(uint32_t *a, long n) {
    for (long i = n / 2; i-- > 0;)
        sink(a, i, n);
    while (n-- > 1) {
        uint32_t t = a[0];
        a[0] = a[n];
        a[n] = t;
        sink(a, 0, n);
    }
}

static void radix(uint32_t *a, uint32_t *b, int n) {
    for (int shift = 0; shift < 32; shift += 8) {
        int start[257] = {0};
        for (int i = 0; i < n; i++)
            start[(a[i] >> shift & 255) + 1]++;
        for (int i = 0; i < 256; i++)
            start[i + 1] += start[i];
        for (int i = 0; i < n; i++)
            b[start[a[i] >> shift & 255]++] = a[i];
        uint32_t *t = a;
        a = b;
        b = t;
    }
}

static struct item *merge(struct item *a, struct item *b) {
    struct item *first = NULL, **end = &first;
    while (a && b) {
        struct item **less = a->key <= b->key ? &a : &b;
        *end = *less;
        end = &(*less)->next;
        *less = (*less)->next;
    }
    *end = a ? a : b;
    return first;
}

static struct item *sorted(struct item *a, int n) {
    if (n == 1)
        return a->next = NULL, a;
    struct item *b = a + n / 2;
    return merge(sorted(a, n / 2), sorted(b, n - n / 2));
}

int main(void) {
    uint32_t sum = 0;
    for (uint32_t round = 0; round < 4; round++) {
        fill(round);
        quick(list, N);
        sum = sum * 31 + list[N / 3];
        fill(round + 10);
        heap(list, N);
        sum = sum * 31 + list[N / 3];
        fill(round + 20);
        radix(list, other, N);
        sum = sum * 31 + list[N / 3];
        fill(round + 30);
        for (int i = 0; i < N; i++)
            items[i].key = list[i];
        struct item *p = sorted(items, N);
        for (int i = 0; i < N / 3; i++)
            p = p->next;
        sum = sum * 31 + p->key;
    }
    printf("%u\n", sum);
    return 0;
}
