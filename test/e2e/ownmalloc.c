/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:30:5 */
/*
 * A program with an allocator of its own, whose functions libc's callers use too, and with functions that are
 * named as those of libc's allocator.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Alignas(16) unsigned char pool[1 << 20];
static size_t used;
static int allocated, freed;

void *mi_malloc(size_t size);
void *mi_malloc(size_t size) {
    size_t start = (used + 16 + 15) & ~(size_t)15;
    if (size > sizeof pool - start)
        return NULL;
    memcpy(pool + start - sizeof size, &size, sizeof size);
    used = start + size;
    allocated++;
    return pool + start;
}

void *malloc(size_t size) {
    return mi_malloc(size);
}

void free(void *p) {
    if (!p)
        return;
    if ((unsigned char *)p < pool || (unsigned char *)p >= pool + sizeof pool)
        abort();
    freed++;
}

void *calloc(size_t count, size_t size) {
    void *p = mi_malloc(count * size);
    return p ? memset(p, 0, count * size) : NULL;
}

void *realloc(void *p, size_t size) {
    size_t old = 0;
    void *q = mi_malloc(size);
    if (!p || !q)
        return q;
    memcpy(&old, (unsigned char *)p - sizeof old, sizeof old);
    memcpy(q, p, old < size ? old : size);
    freed++;
    return q;
}

static int in_pool(const void *p) {
    return (const unsigned char *)p >= pool && (const unsigned char *)p < pool + sizeof pool;
}

int main(void) {
    char *volatile copy = strdup("a string");
    char *line = NULL, *text = NULL;
    size_t size = 0;
    printf("strdup: %s, %d\n", copy, in_pool(copy));
    FILE *f = open_memstream(&text, &size);
    for (int i = 0; i < 300; i++)
        fprintf(f, "%d\n", i * i);
    fclose(f);
    printf("memstream: %zu bytes, %d\n", size, in_pool(text));
    f = fmemopen(text, size, "r");
    long sum = 0;
    size = 0;
    while (getline(&line, &size, f) > 0)
        sum += atol(line);
    fclose(f);
    printf("lines: %ld, %d\n", sum, in_pool(line));
    free(line);
    free(text);
    free(copy);
    printf("%d\n", allocated >= freed && freed >= 3);
    return 0;
}
