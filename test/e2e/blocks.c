/* SPDX-License-Identifier: MIT */
/* e2e: self=every:20000@self hop=random:20000:9 limit=120 */
/*
 * The functions that work block by block, at every offset and up to the last byte before memory that cannot
 * be read, against the plainest loops that do the same.
 */
#include "e2e.h"

#include <ctype.h>
#include <stddef.h>
#include <strings.h>
#include <sys/mman.h>

enum { PAGE = 4096, ROUNDS = 20000 };

static uint32_t seed = 1;

static const char *plain_find(const char *s, size_t size, const char *pattern, size_t length) {
    for (size_t i = 0; i + length <= size; i++) {
        size_t k = 0;
        while (k < length && s[i + k] == pattern[k])
            k++;
        if (k == length)
            return s + i;
    }
    return NULL;
}

static int plain_compare(const char *a, const char *b, size_t n, int stops) {
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return (unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1;
        if (stops && !a[i])
            break;
    }
    return 0;
}

static const char *plain_last(const char *s, size_t size, char c) {
    while (size--)
        if (s[size] == c)
            return s + size;
    return NULL;
}

static int sign(int x) {
    return (x > 0) - (x < 0);
}

/* Two pages, of which the second cannot be touched; the end of the first. */
static char *edge(void) {
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(p != MAP_FAILED && !mprotect(p + PAGE, PAGE, PROT_NONE));
    return p + PAGE;
}

static void fill(char *s, size_t size, unsigned letters) {
    for (size_t i = 0; i < size; i++)
        s[i] = (char)(1 + next_random(&seed) % letters * 120);
}

static void test_search(const char *s, size_t size, unsigned letters) {
    char c = (char)(next_random(&seed) % 4 ? 1 + next_random(&seed) % letters * 120 : next_random(&seed));
    size_t length = plain_find(s, size, "", 1) - s, n = next_random(&seed) % (size + 1);
    require(strlen(s) == length && strnlen(s, n) == (n < length ? n : length));
    require(memchr(s, c, n) == plain_find(s, n, &c, 1));
    require(!memchr(s, c, size) || memchr(s, c, SIZE_MAX / 2) == memchr(s, c, size));
    require(memrchr(s, c, n) == plain_last(s, n, c));
    require(strchr(s, c) == plain_find(s, length + 1, &c, 1));
    require(strrchr(s, c) == plain_last(s, length + 1, c));
    require(strchrnul(s, c) == (strchr(s, c) ? strchr(s, c) : s + length));
    char pattern[40] = "";
    size_t m = next_random(&seed) % (next_random(&seed) % 3 ? 5 : sizeof pattern);
    fill(pattern, m, letters);
    if (next_random(&seed) % 2 && m <= length)
        memcpy(pattern, s + next_random(&seed) % (length - m + 1), m);
    require(strstr(s, pattern) == plain_find(s, length, pattern, m));
    require(memmem(s, size, pattern, m) == plain_find(s, size, pattern, m));
}

static size_t plain_span(const char *s, const char *set, int in) {
    size_t n = 0;
    while (s[n] && !plain_find(set, strlen(set), s + n, 1) == !in)
        n++;
    return n;
}

static void test_sets(const char *s, unsigned letters) {
    char set[24] = "";
    fill(set, next_random(&seed) % (next_random(&seed) % 4 ? 5 : sizeof set), letters);
    if (*set && next_random(&seed) % 2)
        *set = 'x';
    require(strspn(s, set) == plain_span(s, set, 1) && strcspn(s, set) == plain_span(s, set, 0));
}

static void test_string_copy(const char *s, size_t size) {
    static char to[1000], expected[1000];
    size_t length = strlen(s), n = next_random(&seed) % (size + 20);
    memset(to, 'x', sizeof to);
    memset(expected, 'x', sizeof expected);
    memcpy(expected + 3, s, length + 1);
    require(stpcpy(to + 3, s) == to + 3 + length && !memcmp(to, expected, sizeof to));
    for (size_t i = 0; i < n; i++)
        expected[3 + i] = i < length ? s[i] : 0;
    require(strncpy(to + 3, s, n) == to + 3 && !memcmp(to, expected, sizeof to));
}

/* The same with some letters in upper case, and perhaps one character changed. */
static void test_folded(const char *s, char *t, size_t size) {
    size_t place = next_random(&seed) % size, n = next_random(&seed) % (size + 1);
    for (size_t i = 0; i < size; i++)
        t[i] = s[i] == 'y' && next_random(&seed) % 2 ? 'Y' : s[i];
    require(!strcasecmp(s, t) && !strcasecmp(t, s) && !strncasecmp(s, t, n));
    if (t[place] && place < strlen(t)) {
        t[place] = (char)(t[place] ^ (1 + next_random(&seed) % 127));
        int difference = tolower((unsigned char)s[place]) - tolower((unsigned char)t[place]);
        require(sign(strcasecmp(s, t)) == sign(difference));
        require(sign(strncasecmp(s, t, n)) == (n > place ? sign(difference) : 0));
    }
}

static void test_comparison(const char *a, const char *b, size_t size) {
    size_t n = next_random(&seed) % (size + 1);
    require(sign(memcmp(a, b, n)) == plain_compare(a, b, n, 0));
    require(!bcmp(a, b, n) == !plain_compare(a, b, n, 0));
    require(sign(strcmp(a, b)) == plain_compare(a, b, size, 1));
    require(sign(strncmp(a, b, n)) == plain_compare(a, b, n, 1));
    require(sign(strncmp(a, b, SIZE_MAX)) == plain_compare(a, b, size, 1));
}

static void test_copy(void) {
    enum { SIZE = 6000 };
    static unsigned char bytes[SIZE], expected[SIZE];
    size_t limit = next_random(&seed) % 8 ? 200 : 2500, n = next_random(&seed) % limit;
    size_t to = next_random(&seed) % 300, from = to + next_random(&seed) % (2 * n + 1) - n;
    from = from < SIZE ? from : 0;
    for (int i = 0; i < 64; i++)
        bytes[next_random(&seed) % SIZE] = (unsigned char)next_random(&seed);
    for (size_t i = 0; i < SIZE; i++)
        expected[i] = i - to < n ? bytes[from + (i - to)] : bytes[i];
    require(memmove(bytes + to, bytes + from, n) == bytes + to && !memcmp(bytes, expected, SIZE));
    for (size_t i = 0; i < n; i++)
        expected[3000 + to + i] = bytes[to + i];
    require(memcpy(bytes + 3000 + to, bytes + to, n) && !memcmp(bytes, expected, SIZE));
    for (size_t i = 0; i < n; i++)
        expected[to + i] = (unsigned char)n;
    require(memset(bytes + to, (int)n, n) && !memcmp(bytes, expected, SIZE));
}

/* A needle that ends with the haystack, at every place in a block. */
static void test_needle_last(const char *end) {
    static char text[400];
    for (size_t from = 0; from < 64; from++)
        for (size_t size = 2; size < 100; size++)
            for (size_t length = 2; length < 6 && length <= size; length++) {
                char *s = text + from, *needle = s + size - length;
                memset(text, 'x', sizeof text);
                memcpy(needle, "12345", length);
                require(memmem(s, size, needle, length) == needle);
                require(size == length || !memmem(s, size - 1, needle, length));
                memcpy((char *)end - size, s, size);
                require(memmem(end - size, size, needle, length) == end - length);
            }
}

int main(void) {
    char *a = edge(), *b = edge();
    test_needle_last(a);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned letters = next_random(&seed) % 3 + 1;
        size_t size = next_random(&seed) % (next_random(&seed) % 8 ? 40 : 700) + 1;
        char *s = a - size - next_random(&seed) % 40, *t = b - size - next_random(&seed) % 40;
        if (next_random(&seed) % 2)
            s = a - size, t = b - size;
        fill(s, size, letters);
        memcpy(t, s, size);
        if (next_random(&seed) % 4)
            t[next_random(&seed) % size] = (char)(next_random(&seed) % letters * 120);
        if (next_random(&seed) % 4 == 0)
            s[next_random(&seed) % size] = 0;
        s[size - 1] = t[size - 1] = 0;
        test_search(s, size, letters);
        test_comparison(s, t, size);
        test_sets(s, letters);
        test_string_copy(s, size);
        test_folded(s, t, size);
        test_copy();
        point();
    }
    printf("%d rounds\n", ROUNDS);
    return 0;
}
