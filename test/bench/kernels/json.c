/* SPDX-License-Identifier: MIT */
/* JSON: a document is parsed into a tree of values, walked, and written again. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NOTHING, TRUTH, NUMBER, TEXT, LIST, OBJECT };
struct value {
    enum kind kind;
    double number;
    char *name, *text;
    struct value *first, *next;
};

static const char *at;

static void skip(void) {
    while (isspace((unsigned char)*at))
        at++;
}

static char *text(void) {
    const char *end = ++at;
    while (*end != '"')
        end += *end == '\\' ? 2 : 1;
    char *s = malloc((size_t)(end - at) + 1), *to = s;
    for (; at < end; at++) {
        if (*at == '\\')
            at++;
        *to++ = *at;
    }
    *to = 0;
    at++;
    return s;
}

static struct value *parse(void) {
    struct value *v = calloc(1, sizeof *v);
    skip();
    if (*at == '{' || *at == '[') {
        char close = *at == '{' ? '}' : ']';
        struct value **end = &v->first;
        v->kind = *at++ == '{' ? OBJECT : LIST;
        for (skip(); *at != close; skip()) {
            char *name = NULL;
            if (v->kind == OBJECT) {
                name = text();
                skip();
                at++;
            }
            *end = parse();
            (*end)->name = name;
            end = &(*end)->next;
            skip();
            at += *at == ',';
        }
        at++;
    } else if (*at == '"') {
        v->kind = TEXT;
        v->text = text();
    } else if (isalpha((unsigned char)*at)) {
        v->kind = *at == 'n' ? NOTHING : TRUTH;
        v->number = *at == 't';
        while (isalpha((unsigned char)*at))
            at++;
    } else {
        char *end;
        v->kind = NUMBER;
        v->number = strtod(at, &end);
        at = end;
    }
    return v;
}

static char *write_value(char *to, const struct value *v) {
    if (v->name)
        to += sprintf(to, "\"%s\":", v->name);
    switch (v->kind) {
    case NOTHING:
        return to + sprintf(to, "null");
    case TRUTH:
        return to + sprintf(to, v->number ? "true" : "false");
    case NUMBER:
        return to + sprintf(to, "%.15g", v->number);
    case TEXT:
        return to + sprintf(to, "\"%s\"", v->text);
    default:
        break;
    }
    *to++ = v->kind == OBJECT ? '{' : '[';
    for (const struct value *p = v->first; p; p = p->next) {
        to = write_value(to, p);
        if (p->next)
            *to++ = ',';
    }
    *to++ = v->kind == OBJECT ? '}' : ']';
    *to = 0;
    return to;
}

static double total(const struct value *v) {
    double sum = v->number;
    for (const struct value *p = v->first; p; p = p->next)
        sum += total(p) * (p->name && !strcmp(p->name, "price") ? 2 : 1);
    return sum;
}

static void drop(struct value *v) {
    while (v) {
        struct value *next = v->next;
        drop(v->first);
        free(v->name);
        free(v->text);
        free(v);
        v = next;
    }
}

int main(void) {
    static char document[1 << 20], again[1 << 20];
    char *to = document + sprintf(document, "[");
    for (int i = 0; i < 4000; i++)
        to += sprintf(to,
                      "%s{\"name\": \"item \\\\ %d\", \"price\": %d.%02d, \"tags\": [\"a\", \"b%d\", null, "
                      "true],\n \"size\": %d}",
                      i ? ", " : "", i, i % 97, i % 100, i % 13, i * 37);
    strcpy(to, "]");
    double sum = 0;
    for (int round = 0; round < 30; round++) {
        at = document;
        struct value *v = parse();
        sum += total(v) + (double)(write_value(again, v) - again);
        drop(v);
    }
    printf("%.10g\n", sum);
    return 0;
}
