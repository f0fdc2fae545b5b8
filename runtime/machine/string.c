/* SPDX-License-Identifier: MIT */
/*
 * libc's functions that search and compare strings and memory, block by block: a block is what the ISA looks
 * at in one step (machine/<isa>/block.h):
 *
 *   block_zeros(b)   marks for the bytes of b that are zero: BLOCK_BITS bits a byte, of which the highest is
 * set, lowest address first; other bits are set or not together with it block_min(a, b)  has a zero byte
 * where a or b has one
 *
 * What lies behind the end of a string is read within the aligned block of its last byte only, but by
 * comparisons of two strings, which read blocks that are not aligned, never in another page than a byte of
 * theirs. A program may have functions of these names of its own: all are weak.
 */
#include <stddef.h>
#include <stdint.h>

#include "block.h"

#define API __attribute__((weak, visibility("default")))

enum { PAGE = 4096 };

API void *memchr(const void *, int, size_t);
API void *memrchr(const void *, int, size_t);
API int memcmp(const void *, const void *, size_t);
API int bcmp(const void *, const void *, size_t);
API size_t strlen(const char *);
API size_t strnlen(const char *, size_t);
API char *strchr(const char *, int);
API char *__strchrnul(const char *, int);
API char *strchrnul(const char *, int);
API char *strrchr(const char *, int);
API int strcmp(const char *, const char *);
API int strncmp(const char *, const char *, size_t);
const char *__popcorn_pair(const char *, const char *, unsigned char, unsigned char);

typedef const unsigned char *bytes;

static inline bytes block_of(const void *p) {
    return (bytes)((uintptr_t)p & -(uintptr_t)BLOCK_SIZE);
}

/* Without the marks of the bytes before p. */
static inline uint64_t marks_from(uint64_t marks, const void *p) {
    return marks & ~(uint64_t)0 << (uintptr_t)p % BLOCK_SIZE * BLOCK_BITS;
}

static inline size_t first_mark(uint64_t marks) {
    return (size_t)__builtin_ctzll(marks) / BLOCK_BITS;
}

static inline size_t last_mark(uint64_t marks) {
    return (size_t)(63 - __builtin_clzll(marks)) / BLOCK_BITS;
}

static inline uint64_t marks_equal(block a, block b) {
    return block_zeros(block_xor(a, b));
}

/* Is there a byte of `wanted` in four blocks? */
static inline int wanted_in_four(bytes p, block wanted) {
    block a = block_min(block_xor(block_load(p), wanted), block_xor(block_load(p + BLOCK_SIZE), wanted));
    block b = block_min(block_xor(block_load(p + 2 * BLOCK_SIZE), wanted),
                        block_xor(block_load(p + 3 * BLOCK_SIZE), wanted));
    return block_zeros(block_min(a, b)) != 0;
}

size_t strlen(const char *s) {
    bytes p = block_of(s);
    uint64_t marks = marks_from(block_zeros(block_load(p)), s);
    if (marks)
        return (size_t)(p + first_mark(marks) - (bytes)s);
    for (p += BLOCK_SIZE; (uintptr_t)p % (4 * BLOCK_SIZE); p += BLOCK_SIZE)
        if ((marks = block_zeros(block_load(p))))
            return (size_t)(p + first_mark(marks) - (bytes)s);
    for (;; p += 4 * BLOCK_SIZE) {
        block a = block_min(block_load(p), block_load(p + BLOCK_SIZE));
        block b = block_min(block_load(p + 2 * BLOCK_SIZE), block_load(p + 3 * BLOCK_SIZE));
        if (block_zeros(block_min(a, b)))
            break;
    }
    while (!(marks = block_zeros(block_load(p))))
        p += BLOCK_SIZE;
    return (size_t)(p + first_mark(marks) - (bytes)s);
}

void *memchr(const void *s, int c, size_t n) {
    const block wanted = block_fill((unsigned char)c);
    bytes p = block_of(s), start = s;
    if (!n)
        return NULL;
    bytes last = n - 1 > UINTPTR_MAX - (uintptr_t)s ? (bytes)UINTPTR_MAX : start + n - 1;
    uint64_t marks = marks_from(marks_equal(block_load(p), wanted), s);
    while (!marks) {
        if ((size_t)(last - p) < BLOCK_SIZE)
            return NULL;
        p += BLOCK_SIZE;
        size_t fours = (uintptr_t)p % (4 * BLOCK_SIZE) ? 0 : (size_t)(last - p) / (4 * BLOCK_SIZE);
        for (; fours; fours--, p += 4 * BLOCK_SIZE)
            if (wanted_in_four(p, wanted))
                break;
        marks = marks_equal(block_load(p), wanted);
    }
    p += first_mark(marks);
    return p <= last ? (void *)p : NULL;
}

void *memrchr(const void *s, int c, size_t n) {
    const block wanted = block_fill((unsigned char)c);
    bytes start = s;
    if (!n)
        return NULL;
    bytes p = block_of(start + n - 1);
    size_t unwanted = (size_t)(p + BLOCK_SIZE - (start + n)) * BLOCK_BITS;
    uint64_t marks =
        marks_equal(block_load(p), wanted) & ~(uint64_t)0 >> (64 - BLOCK_SIZE * BLOCK_BITS) >> unwanted;
    for (;; marks = marks_equal(block_load(p), wanted)) {
        if (marks) {
            p += last_mark(marks);
            return p >= start ? (void *)p : NULL;
        }
        if (p <= start)
            return NULL;
        p -= BLOCK_SIZE;
    }
}

size_t strnlen(const char *s, size_t n) {
    const char *end = memchr(s, 0, n);
    return end ? (size_t)(end - s) : n;
}

char *__strchrnul(const char *s, int c) {
    const block wanted = block_fill((unsigned char)c);
    bytes p = block_of(s);
    block b = block_load(p);
    uint64_t marks = marks_from(block_zeros(block_min(b, block_xor(b, wanted))), s);
    while (!marks) {
        p += BLOCK_SIZE;
        if ((uintptr_t)p % (4 * BLOCK_SIZE) == 0)
            while (!wanted_in_four(p, wanted) && !wanted_in_four(p, block_fill(0)))
                p += 4 * BLOCK_SIZE;
        b = block_load(p);
        marks = block_zeros(block_min(b, block_xor(b, wanted)));
    }
    return (char *)p + first_mark(marks);
}

char *strchrnul(const char *s, int c) {
    return __strchrnul(s, c);
}

char *strchr(const char *s, int c) {
    char *p = __strchrnul(s, c);
    return *(unsigned char *)p == (unsigned char)c ? p : NULL;
}

char *strrchr(const char *s, int c) {
    return memrchr(s, c, strlen(s) + 1);
}

/*
 * The first place at or behind s where c0 and c1 stand side by side; null if there is none before `end`, or,
 * if that is null, before a zero byte. c0 is not zero. c1 may be the byte at `end` - 1 at the latest.
 */
const char *__popcorn_pair(const char *s, const char *end, unsigned char c0, unsigned char c1) {
    const block first = block_fill(c0), second = block_fill(c1);
    bytes p = block_of(s);
    uint64_t before = 0; /* marks of c0 in the block before, of which the highest byte counts */
    for (bytes from = (bytes)s;; from = p) {
        if (end && (bytes)end <= from)
            return NULL;
        block b = block_load(p);
        uint64_t zero = end ? 0 : marks_from(block_zeros(b), from);
        uint64_t c0s = marks_from(marks_equal(b, first), from), c1s = marks_equal(b, second);
        uint64_t pair = c1s & (c0s << BLOCK_BITS | before >> (BLOCK_SIZE - 1) * BLOCK_BITS);
        if (zero)
            pair &= zero ^ (zero - 1); /* not behind the end; c1 may be the zero byte itself */
        if (pair) {
            p += first_mark(pair);
            return end && p >= (bytes)end ? NULL : (const char *)p - 1;
        }
        if (zero)
            return NULL;
        before = c0s;
        p += BLOCK_SIZE;
    }
}

static const uint64_t every_mark = BLOCK_MARKS;

/* Marks of the bytes that differ. */
static inline uint64_t marks_unequal(block a, block b) {
    return ~marks_equal(a, b) & every_mark;
}

static inline int order(uint64_t a, uint64_t b) {
    a = __builtin_bswap64(a);
    b = __builtin_bswap64(b);
    return a == b ? 0 : a < b ? -1 : 1;
}

static inline uint64_t load_8(bytes p) {
    uint64_t word;
    __builtin_memcpy(&word, p, 8);
    return word;
}

static inline uint32_t load_4(bytes p) {
    uint32_t word;
    __builtin_memcpy(&word, p, 4);
    return word;
}

/* Up to 16 bytes, by pieces that overlap. */
static inline int compare_few(bytes a, bytes b, size_t n) {
    if (n >= 8) {
        int r = order(load_8(a), load_8(b));
        return r ? r : order(load_8(a + n - 8), load_8(b + n - 8));
    }
    if (n >= 4)
        return order(load_4(a) | (uint64_t)load_4(a + n - 4) << 32, load_4(b) | (uint64_t)load_4(b + n - 4)
                                                                                    << 32);
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

int memcmp(const void *one, const void *other, size_t n) {
    bytes a = one, b = other, end = a + n;
    uint64_t marks;
    if (n <= 16)
        return compare_few(a, b, n);
    for (; end - a >= 4 * BLOCK_SIZE; a += 4 * BLOCK_SIZE, b += 4 * BLOCK_SIZE) {
        block differ[4];
        for (int i = 0; i < 4; i++)
            differ[i] =
                block_xor(block_load_anywhere(a + i * BLOCK_SIZE), block_load_anywhere(b + i * BLOCK_SIZE));
        if (block_zeros(block_or(block_or(differ[0], differ[1]), block_or(differ[2], differ[3]))) !=
            every_mark)
            break;
    }
    for (; end - a > BLOCK_SIZE; a += BLOCK_SIZE, b += BLOCK_SIZE)
        if ((marks = marks_unequal(block_load_anywhere(a), block_load_anywhere(b))))
            goto unequal;
    b -= a - (end - BLOCK_SIZE);
    a = end - BLOCK_SIZE;
    marks = marks_unequal(block_load_anywhere(a), block_load_anywhere(b));
    if (!marks)
        return 0;
unequal:
    return a[first_mark(marks)] - b[first_mark(marks)];
}

int bcmp(const void *one, const void *other, size_t n) {
    return memcmp(one, other, n);
}

/* How many blocks from p on lie in p's page. */
static inline size_t blocks_in_page(bytes p) {
    return (PAGE - (uintptr_t)p % PAGE) / BLOCK_SIZE;
}

int strncmp(const char *one, const char *other, size_t n) {
    bytes a = (bytes)one, b = (bytes)other;
    while (n) {
        size_t blocks = n / BLOCK_SIZE;
        blocks = blocks_in_page(a) < blocks ? blocks_in_page(a) : blocks;
        blocks = blocks_in_page(b) < blocks ? blocks_in_page(b) : blocks;
        n -= blocks * BLOCK_SIZE;
        for (; blocks; blocks--, a += BLOCK_SIZE, b += BLOCK_SIZE) {
            block x = block_load_anywhere(a);
            uint64_t marks = marks_unequal(x, block_load_anywhere(b)) | block_zeros(x);
            if (marks)
                return a[first_mark(marks)] - b[first_mark(marks)];
        }
        for (size_t few = n < BLOCK_SIZE ? n : BLOCK_SIZE; few; few--, n--, a++, b++)
            if (*a != *b || !*a)
                return *a - *b;
    }
    return 0;
}

int strcmp(const char *one, const char *other) {
    return strncmp(one, other, SIZE_MAX);
}
