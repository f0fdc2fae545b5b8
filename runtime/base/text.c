/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "base/kernel.h"

struct text text_begin(char *buffer, size_t size) {
    struct text t = {buffer, buffer, buffer + size - 1, false};
    *buffer = 0;
    return t;
}

void text_bytes(struct text *t, const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (t->at == t->end) {
            t->cut = true;
            return;
        }
        *t->at++ = s[i];
        *t->at = 0;
    }
}

void text_string(struct text *t, const char *s) {
    size_t n = 0;
    while (s[n])
        n++;
    text_bytes(t, s, n);
}

static void text_number(struct text *t, uint64_t value, unsigned base) {
    char digits[24];
    size_t at = sizeof digits;
    do
        digits[--at] = "0123456789abcdef"[value % base];
    while (value /= base);
    text_bytes(t, digits + at, sizeof digits - at);
}

void text_unsigned(struct text *t, uint64_t value) {
    text_number(t, value, 10);
}

void text_signed(struct text *t, int64_t value) {
    if (value < 0)
        text_string(t, "-");
    text_number(t, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

void text_hex(struct text *t, uint64_t value) {
    text_string(t, "0x");
    text_number(t, value, 16);
}

void text_thousandths(struct text *t, uint64_t value) {
    char fraction[] = {'.', (char)('0' + value / 100 % 10), (char)('0' + value / 10 % 10),
                       (char)('0' + value % 10)};
    text_number(t, value / 1000, 10);
    text_bytes(t, fraction, sizeof fraction);
}

void text_json(struct text *t, const char *s) {
    text_string(t, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            text_string(t, "\\");
        if (c >= 0x20)
            text_bytes(t, s, 1);
        else
            text_string(t, " ");
    }
    text_string(t, "\"");
}

bool text_equal(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

bool text_begins(const char *s, const char *prefix) {
    while (*prefix && *s == *prefix)
        s++, prefix++;
    return !*prefix;
}

const char *text_read_number(const char *s, uint64_t *value) {
    *value = 0;
    while (*s >= '0' && *s <= '9' && *value < 1000000000)
        *value = 10 * *value + (uint64_t)(*s++ - '0');
    return s;
}

const char *text_variable(char *const *environment, const char *name) {
    size_t n = 0;
    while (name[n])
        n++;
    for (; *environment; environment++)
        if (text_begins(*environment, name) && (*environment)[n] == '=')
            return *environment + n + 1;
    return NULL;
}

const char *text_error(int error) {
    switch (error) {
    case E_PERM:
        return "not permitted";
    case E_NOENT:
        return "not found";
    case E_AGAIN:
        return "try again";
    case E_NOMEM:
        return "no memory";
    case E_ACCES:
        return "permission denied";
    case E_FAULT:
        return "bad address";
    case E_BUSY:
        return "busy";
    case E_INVAL:
        return "invalid";
    case E_NOEXEC:
        return "not a popcorn program";
    case E_NOSYS:
        return "not supported";
    case E_NOTDIR:
        return "not in a folder";
    case E_ISDIR:
        return "is a folder";
    case E_NOSPC:
        return "the disk is full";
    case E_DQUOT:
        return "the disk quota is used up";
    case E_ROFS:
        return "read-only file system";
    case E_EXIST:
        return "the name is taken";
    case E_NODEV:
        return "no such node";
    case E_SRCH:
        return "process is gone";
    case E_MFILE:
        return "too many open files";
    case E_FBIG:
        return "the file would be too large";
    case E_PIPE:
        return "nobody reads it";
    case E_IO:
        return "input or output error";
    case E_ADDRINUSE:
        return "the address is in use";
    case E_TIMEDOUT:
        return "timed out";
    }
    return "failed";
}
