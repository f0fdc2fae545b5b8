/* SPDX-License-Identifier: MIT */
/* str*: lengths, comparing, searching, copying, splitting. */
#include "bench.h"
#include <strings.h>

enum { MOST = 1 << 12 };
static char text[MOST + 64] __attribute__((aligned(64))), other[MOST + 64] __attribute__((aligned(64)));

/* A text of `size` letters and its copy. */
static void write_text(size_t size) {
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i * 7 % 23);
    text[size] = 0;
    memcpy(other, text, size + 1);
}

static void length(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strlen(hidden(text)));
}

static void length_bounded(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strnlen(hidden(text), hidden((size_t)MOST)));
}

static void compare(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strcmp(hidden(text), hidden(other)));
}

static void compare_bounded(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strncmp(hidden(text), hidden(other), hidden((size_t)MOST)));
}

static void compare_folded(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strcasecmp(hidden(text), hidden(other)));
}

static void find(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strchr(hidden(text), hidden('z')));
}

static void find_last(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strrchr(hidden(text), hidden('z')));
}

static void find_text(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strstr(hidden(text), hidden("ahovx")));
}

static void span(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strcspn(hidden(text), hidden("xyz.,")));
}

static void copy(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strcpy(hidden(other), hidden(text)));
}

static void copy_bounded(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        used(strncpy(hidden(other), hidden(text), hidden((size_t)size + 1)));
}

static void append(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++) {
        other[size / 2] = 0;
        used(strcat(hidden(other), hidden("and so on")));
    }
}

static void duplicate(long calls, size_t size) {
    write_text(size);
    for (long i = 0; i < calls; i++)
        free(hidden(strdup(hidden(text))));
}

static void split(long calls, size_t size) {
    for (long i = 0; i < calls; i++) {
        write_text(size);
        char *state;
        for (char *word = strtok_r(text, "aeiou", &state); word; word = strtok_r(NULL, "aeiou", &state))
            used(word);
    }
}

const struct row rows[] = {
    {"strlen 16", 60000000, length, 16},
    {"strlen 1K", 15000000, length, 1024},
    {"strnlen 1K", 15000000, length_bounded, 1024},
    {"strcmp 16", 50000000, compare, 16},
    {"strcmp 1K", 6000000, compare, 1024},
    {"strncmp 1K", 6000000, compare_bounded, 1024},
    {"strcasecmp 16", 30000000, compare_folded, 16},
    {"strchr 16", 60000000, find, 16},
    {"strchr 1K", 12000000, find, 1024},
    {"strrchr 1K", 12000000, find_last, 1024},
    {"strstr 1K", 500000, find_text, 1024},
    {"strcspn 64", 20000000, span, 64},
    {"strcpy 16", 50000000, copy, 16},
    {"strcpy 1K", 8000000, copy, 1024},
    {"strncpy 64", 20000000, copy_bounded, 64},
    {"strcat 64", 20000000, append, 64},
    {"strdup 16", 15000000, duplicate, 16},
    {"strtok 256", 150000, split, 256},
    {0},
};
