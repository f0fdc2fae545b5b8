/* SPDX-License-Identifier: MIT */
/* Functions of string.h, for strings of 8 bytes and of 1 KiB, and copies of several sizes. */
#include "measure.h"

static char one[8192], other[8192];
static volatile size_t sink;

static void filled(size_t size) {
    memset(one, 'a', sizeof one);
    memset(other, 'a', sizeof other);
    one[size] = other[size] = 0;
}

static void search(const char *suffix, size_t size) {
    char name[64];
    const char *s = one, *t = other;
    filled(size);
#define ROW(function, statement)                                                                             \
    do {                                                                                                     \
        snprintf(name, sizeof name, "%s-%s", function, suffix);                                              \
        MEASURE(name, 300000, sink = (size_t)(statement));                                                   \
    } while (0)
    ROW("strlen", strlen(hide(s)));
    ROW("memchr", memchr(hide(s), 'b', size));
    ROW("strchr", strchr(hide(s), 'b'));
    ROW("strrchr", strrchr(hide(s), 'b'));
    ROW("strcmp", strcmp(hide(s), t));
    ROW("strncmp", strncmp(hide(s), t, size));
    ROW("memcmp", memcmp(hide(s), t, hidden(size)));
    ROW("strstr", strstr(hide(s), "ab"));
    ROW("strstr-long", strstr(hide(s), "baaaaaaaab"));
    ROW("strcpy", strcpy(other, hide(s)));
}

static void copy(size_t size) {
    char name[64];
    snprintf(name, sizeof name, "memcpy-%zu", size);
    MEASURE(name, 300000, memcpy(other, hide(one), hidden(size)));
    snprintf(name, sizeof name, "memmove-%zu", size);
    MEASURE(name, 300000, memmove(one + 1, hide(one), hidden(size)));
    snprintf(name, sizeof name, "memset-%zu", size);
    MEASURE(name, 300000, memset(hide(one), 1, hidden(size)));
}

int main(void) {
    search("8", 8);
    search("20", 20);
    search("1K", 1024);
    copy(8);
    copy(16);
    copy(64);
    copy(256);
    copy(4096);
    return 0;
}
