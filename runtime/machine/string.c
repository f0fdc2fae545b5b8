/* SPDX-License-Identifier: MIT */
/*
 * libc's functions that search strings and memory, block by block: a block is what the ISA looks at in one
 * step (machine/<isa>/block.h):
 *
 *   block_zeros(b)    marks for the bytes of b that are zero: BLOCK_BITS bits a byte, of which the highest is
 *                     set, lowest address first; other bits are set or not together with it
 *   block_min(a, b)   has a zero byte where a or b has one
 *   block_even(a, b)  has a zero byte where a and b differ, or a has one
 *   block_ends(a, b)  marks for those
 *   block_fold(b)     b with ASCII's letters as lower-case ones
 *
 * BLOCK_WIDER(function, arguments) goes to a version of the function by larger blocks, if the machine has
 * them.
 *
 * What lies behind the end of a string is read within the aligned row of four blocks of its last byte only. A
 * program may have functions of these names of its own: all are weak. Wrong pointers are the program's, and
 * so are the faults.
 */
#include <stddef.h>
#include <stdint.h>

#include "marks.h"
#include "popcorn/native_text.h"

#pragma clang attribute push(__attribute__((section(POPCORN_SECTION_PROGRAM))), apply_to = function)

#define API __attribute__((weak, visibility("default")))

API void *memchr(const void *, int, size_t);
API void *memrchr(const void *, int, size_t);
API size_t strlen(const char *);
API size_t strnlen(const char *, size_t);
API char *strchr(const char *, int);
API char *__strchrnul(const char *, int);
API char *strchrnul(const char *, int);
API char *strrchr(const char *, int);
API size_t strspn(const char *, const char *);
API size_t strcspn(const char *, const char *);
const char *__popcorn_find(const char *, const char *, const char *, size_t, const char **);

size_t strlen(const char *s) {
    BLOCK_WIDER(strlen, s);
    bytes p = block_of(s);
    uint64_t marks = marks_from(block_zeros(block_load(p)), s);
    if (marks)
        return (size_t)(p + first_mark(marks) - (bytes)s);
    for (p += BLOCK_SIZE; !begins_four(p); p += BLOCK_SIZE)
        if ((marks = block_zeros(block_load(p))))
            return (size_t)(p + first_mark(marks) - (bytes)s);
    while (!block_zeros(min_of_four(p)))
        p += 4 * BLOCK_SIZE;
    while (!(marks = block_zeros(block_load(p))))
        p += BLOCK_SIZE;
    return (size_t)(p + first_mark(marks) - (bytes)s);
}

void *memchr(const void *s, int c, size_t n) {
    BLOCK_WIDER(memchr, s, c, n);
    return (void *)find_first(s, block_fill((unsigned char)c), n);
}

size_t strnlen(const char *s, size_t n) {
    BLOCK_WIDER(strnlen, s, n);
    bytes end = find_first((bytes)s, block_fill(0), n);
    return end ? (size_t)(end - (bytes)s) : n;
}

void *memrchr(const void *s, int c, size_t n) {
    BLOCK_WIDER(memrchr, s, c, n);
    const block wanted = block_fill((unsigned char)c);
    bytes start = s;
    if (!n)
        return NULL;
    bytes p = block_of(start + n - 1);
    size_t blocks = (size_t)(p - block_of(start)) / BLOCK_SIZE;
    size_t unwanted = (size_t)(p + BLOCK_SIZE - (start + n)) * BLOCK_BITS;
    uint64_t marks =
        marks_equal(block_load(p), wanted) & ~(uint64_t)0 >> (64 - BLOCK_SIZE * BLOCK_BITS) >> unwanted;
    if (!marks)
        for (; blocks >= 4 && !wanted_in_four(p - 4 * BLOCK_SIZE, wanted); blocks -= 4)
            p -= 4 * BLOCK_SIZE;
    for (; !marks && blocks; blocks--)
        marks = marks_equal(block_load(p -= BLOCK_SIZE), wanted);
    if (!marks)
        return NULL;
    p += last_mark(marks);
    return p >= start ? (void *)p : NULL;
}

/* Has a zero byte where b has one, or is `wanted`. */
static inline block end_or_wanted(block b, block wanted) {
    return block_min(b, block_xor(b, wanted));
}

static inline int end_or_wanted_in_four(bytes p, block wanted) {
    block a =
        block_min(end_or_wanted(block_load(p), wanted), end_or_wanted(block_load(p + BLOCK_SIZE), wanted));
    block b = block_min(end_or_wanted(block_load(p + 2 * BLOCK_SIZE), wanted),
                        end_or_wanted(block_load(p + 3 * BLOCK_SIZE), wanted));
    return block_zeros(block_min(a, b)) != 0;
}

char *__strchrnul(const char *s, int c) {
    BLOCK_WIDER(__strchrnul, s, c);
    const block wanted = block_fill((unsigned char)c);
    bytes p = block_of(s);
    uint64_t marks = marks_from(block_zeros(end_or_wanted(block_load(p), wanted)), s);
    while (!marks) {
        p += BLOCK_SIZE;
        while (begins_four(p) && !end_or_wanted_in_four(p, wanted))
            p += 4 * BLOCK_SIZE;
        marks = block_zeros(end_or_wanted(block_load(p), wanted));
    }
    return (char *)p + first_mark(marks);
}

/* The last block that has the character so far is kept, with its marks. */
char *strrchr(const char *s, int c) {
    BLOCK_WIDER(strrchr, s, c);
    const block wanted = block_fill((unsigned char)c);
    bytes p = block_of(s), kept = NULL;
    block b = block_load(p);
    uint64_t ends = marks_from(block_zeros(b), s), marks = marks_from(marks_equal(b, wanted), s),
             kept_marks = 0;
    while (!ends) {
        if (marks) {
            kept = p;
            kept_marks = marks;
        }
        p += BLOCK_SIZE;
        while (begins_four(p) && !end_or_wanted_in_four(p, wanted))
            p += 4 * BLOCK_SIZE;
        b = block_load(p);
        ends = block_zeros(b);
        marks = marks_equal(b, wanted);
    }
    marks = marks_to(marks, ends);
    if (marks)
        return (char *)p + last_mark(marks);
    return kept ? (char *)kept + last_mark(kept_marks) : NULL;
}

struct needle {
    bytes text;
    size_t length;
    uint64_t key, mask; /* up to eight bytes at once */
};

static inline struct needle read_needle(const char *text, size_t length) {
    struct needle needle = {(bytes)text, length, 0, 0};
    __builtin_memcpy(&needle.key, text, length < 8 ? length : 8);
    __builtin_memset(&needle.mask, 0xff, length < 8 ? length : 8);
    return needle;
}

/* Where s ends, it has a zero byte, and the needle has none; or it has at least as many bytes as the needle.
 */
static inline int stands(const struct needle *needle, bytes s, size_t *spent) {
    size_t same = 0;
    *spent += 8;
    if ((uintptr_t)s % PAGE <= PAGE - 8) {
        uint64_t word;
        __builtin_memcpy(&word, s, 8);
        if ((word ^ needle->key) & needle->mask)
            return 0;
        same = 8;
    }
    while (same < needle->length && s[same] == needle->text[same])
        same++;
    *spent += same;
    return same >= needle->length;
}

/*
 * The first place at or behind s where the needle stands, of two bytes or more and not with a zero byte
 * first: before a zero byte if `end` is null, else all before `end`. The first two bytes are looked for block
 * by block. If there are too many places that have only them, null, and *rest, which is else null, tells
 * where the search has to go on by other means: what this costs is in proportion to what it has searched.
 */
const char *__popcorn_find(const char *s, const char *end, const char *needle, size_t length,
                           const char **rest) {
    BLOCK_WIDER(__popcorn_find, s, end, needle, length, rest);
    const block first = block_fill((unsigned char)needle[0]), second = block_fill((unsigned char)needle[1]);
    bytes p = block_of(s), last = end ? (bytes)end - length : (bytes)UINTPTR_MAX - 1;
    uint64_t before = 0; /* marks of the first byte in the block before, of which the highest counts */
    const struct needle sought = read_needle(needle, length);
    size_t spent = 0;
    *rest = NULL;
    for (bytes from = (bytes)s; from <= last + 1; from = p += BLOCK_SIZE) { /* a second byte may be there */
        block b = block_load(p);
        uint64_t zeros = end ? 0 : marks_from(block_zeros(b), from);
        uint64_t firsts = marks_from(marks_equal(b, first), from);
        uint64_t pairs =
            marks_equal(b, second) & (firsts << BLOCK_BITS | before >> (BLOCK_SIZE - 1) * BLOCK_BITS);
        if (zeros)
            pairs = marks_to(pairs, zeros);
        for (; pairs; pairs = marks_behind_first(pairs)) {
            bytes at = p + first_mark(pairs) - 1;
            if (at > last)
                return NULL;
            if (stands(&sought, at, &spent))
                return (const char *)at;
            if (spent > 512 + 2 * (size_t)(at - (bytes)s)) {
                *rest = (const char *)at + 1;
                return NULL;
            }
        }
        if (zeros)
            return NULL;
        before = firsts;
    }
    return NULL;
}

/* Some characters: up to FEW of them are looked for block by block, more by a table. */
enum { FEW = 8 };

struct set {
    size_t count; /* more than FEW: see `has` */
    block character[FEW];
    unsigned char has[256];
};

static inline void read_set(struct set *set, const char *characters) {
    for (set->count = 0; set->count < FEW && characters[set->count]; set->count++)
        set->character[set->count] = block_fill((unsigned char)characters[set->count]);
    set->count += characters[set->count] != 0;
    if (set->count <= FEW)
        return;
    __builtin_memset(set->has, 0, sizeof set->has);
    for (; *characters; characters++)
        set->has[(unsigned char)*characters] = 1;
}

static inline int has(const char *characters, char c) {
    while (*characters && *characters != c)
        characters++;
    return *characters != 0;
}

/* Has a zero byte where b has a character of the set, which has few, and maybe where it has a zero byte. */
static inline block in_set(block b, const struct set *set) {
    block found = block_xor(b, set->character[0]);
    for (size_t i = 1; i < set->count; i++)
        found = block_min(found, block_xor(b, set->character[i]));
    return found;
}

size_t strcspn(const char *s, const char *characters) {
    BLOCK_WIDER(strcspn, s, characters);
    struct set set;
    if (!characters[0] || !characters[1])
        return (size_t)(__strchrnul(s, characters[0]) - s);
    if (has(characters, *s))
        return 0;
    read_set(&set, characters);
    if (set.count > FEW) {
        const char *p = s;
        while (*p && !set.has[(unsigned char)*p])
            p++;
        return (size_t)(p - s);
    }
    bytes p = block_of(s);
    block b = block_load(p);
    uint64_t marks = marks_from(block_zeros(block_min(b, in_set(b, &set))), s);
    while (!marks) {
        b = block_load(p += BLOCK_SIZE);
        marks = block_zeros(block_min(b, in_set(b, &set)));
    }
    return (size_t)(p + first_mark(marks) - (bytes)s);
}

size_t strspn(const char *s, const char *characters) {
    BLOCK_WIDER(strspn, s, characters);
    struct set set;
    if (!*s || !has(characters, *s))
        return 0;
    read_set(&set, characters);
    if (set.count > FEW) {
        const char *p = s;
        while (set.has[(unsigned char)*p])
            p++;
        return (size_t)(p - s);
    }
    bytes p = block_of(s);
    uint64_t marks = marks_from(~block_zeros(in_set(block_load(p), &set)) & every_mark, s);
    while (!marks)
        marks = ~block_zeros(in_set(block_load(p += BLOCK_SIZE), &set)) & every_mark;
    return (size_t)(p + first_mark(marks) - (bytes)s);
}

#ifndef BLOCK_WIDE
/* What the others do. */

char *strchrnul(const char *s, int c) {
    return __strchrnul(s, c);
}

char *strchr(const char *s, int c) {
    char *p = __strchrnul(s, c);
    return *(unsigned char *)p == (unsigned char)c ? p : NULL;
}
#endif

#pragma clang attribute pop
