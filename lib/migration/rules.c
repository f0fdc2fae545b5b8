/* SPDX-License-Identifier: MIT */
/* POPCORN_MIGRATE: WHEN[@WHERE], separated by commas. */

#include "base/kernel.h"
#include "base/text.h"
#include "popcorn/migration.h"

#define LONGEST_WORD 128
#define SECOND 1000000000UL

/* One rule's text being read; `error` gets a line that quotes it. */
struct rule_text {
    char when[LONGEST_WORD], where[LONGEST_WORD];
    char whole[LONGEST_WORD];
    char *error;
};

static int bad_rule(const struct rule_text *r, const char *why) {
    struct text t = text_begin(r->error, POPCORN_ERROR_SIZE);
    text_string(&t, "POPCORN_MIGRATE: rule \"");
    text_string(&t, r->whole);
    text_string(&t, "\": ");
    text_string(&t, why);
    return -E_INVAL;
}

/* Reads digits; false if there are none or too many for 63 bits. */
static bool read_number(const char **at, uint64_t *value) {
    const char *s = *at;
    *value = 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (*value > (INT64_MAX - 9) / 10)
            return false;
        *value = *value * 10 + (uint64_t)(*s - '0');
    }
    bool any = s != *at;
    *at = s;
    return any;
}

static bool read_last_number(const char *s, uint64_t *value) {
    return read_number(&s, value) && !*s;
}

static bool read_hex(const char *s, uint64_t *value) {
    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
        s += 2;
    *value = 0;
    int digits = 0;
    for (; *s; s++, digits++) {
        int c = *s | 0x20, d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0 || digits == 16)
            return false;
        *value = *value << 4 | (uint64_t)d;
    }
    return digits > 0;
}

/* "2.5s", "100ms", "10us" in nanoseconds. */
static bool read_duration(const char *s, uint64_t *ns) {
    uint64_t whole, fraction = 0, scale = SECOND, unit;
    if (!read_number(&s, &whole))
        return false;
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9'; s++) {
            scale /= 10;
            fraction += (uint64_t)(*s - '0') * scale;
        }
    if (text_equal(s, "s"))
        unit = SECOND;
    else if (text_equal(s, "ms"))
        unit = SECOND / 1000;
    else if (text_equal(s, "us"))
        unit = SECOND / 1000000;
    else
        return false;
    if (whole > INT64_MAX / SECOND - 1)
        return false;
    *ns = whole * unit + fraction / (SECOND / unit);
    return true;
}

static int read_random(struct migration_rule *rule, const char *s, const struct rule_text *r) {
    rule->when = RULE_RANDOM;
    rule->seed = 1;
    if (!read_number(&s, &rule->n) || !rule->n || rule->n > INT64_MAX / 4)
        return bad_rule(r, "random:MEAN wants a number of points, at least 1");
    if (*s && (*s++ != ':' || !read_last_number(s, &rule->seed)))
        return bad_rule(r, "random:MEAN:SEED wants two numbers");
    return 0;
}

static int read_when(struct migration_rule *rule, const struct rule_text *r,
                     int (*find_function)(const char *)) {
    const char *s = r->when;
    if (text_begins(s, "every:")) {
        rule->when = RULE_EVERY;
        return read_last_number(s + 6, &rule->n) && rule->n
                   ? 0
                   : bad_rule(r, "every:N wants a number of points, at least 1");
    }
    if (text_begins(s, "random:"))
        return read_random(rule, s + 7, r);
    if (text_begins(s, "after:")) {
        rule->when = RULE_AFTER;
        return read_duration(s + 6, &rule->n) ? 0 : bad_rule(r, "after: wants a time such as 2.5s or 100ms");
    }
    if (text_begins(s, "func:")) {
        rule->when = RULE_FUNCTION;
        rule->function = find_function(s + 5);
        return rule->function >= 0
                   ? 0
                   : bad_rule(r, "no function of that name can migrate (it may have been inlined, "
                                 "or have no migration point)");
    }
    rule->when = RULE_AT_POINT;
    return read_last_number(s, &rule->n) && rule->n
               ? 0
               : bad_rule(r, "WHEN must be N, every:N, random:MEAN[:SEED], after:TIME or func:NAME");
}

static int node_of_isa(const struct popcorn_node_list *nodes, const char *isa) {
    for (int i = 0; i < nodes->count; i++)
        if (text_equal(nodes->isa[i], isa))
            return i;
    return -1;
}

static int node_of_name(const struct popcorn_node_list *nodes, const char *name) {
    for (int i = 0; i < nodes->count && *name; i++)
        if (text_equal(nodes->name[i], name))
            return i;
    return -1;
}

static int read_where(struct migration_rule *rule, const struct rule_text *r,
                      const struct popcorn_node_list *nodes) {
    const char *s = r->where;
    uint64_t number;
    if (text_equal(s, "next")) {
        rule->where = RULE_NEXT;
    } else if (text_equal(s, "self")) {
        rule->where = RULE_SELF;
    } else if (read_last_number(s, &number)) {
        if (number >= (uint64_t)nodes->count)
            return bad_rule(r, "there is no node of that number");
        rule->where = RULE_NODE;
        rule->node = (int32_t)number;
    } else if ((rule->node = node_of_name(nodes, s)) >= 0) {
        rule->where = RULE_NODE;
    } else {
        rule->where = RULE_ISA;
        rule->node = node_of_isa(nodes, s);
        if (rule->node < 0)
            return bad_rule(r, "WHERE must be a node's number, name or ISA, next or self");
        struct text t = text_begin(rule->isa, sizeof rule->isa);
        text_string(&t, s);
    }
    return 0;
}

/* Copies up to a stop character or the end; false if there is no room. */
static bool take_word(const char **at, const char *stops, char *word) {
    size_t n = 0;
    for (; **at && **at != stops[0] && **at != stops[1]; (*at)++) {
        if (n == LONGEST_WORD - 1)
            return false;
        word[n++] = **at;
    }
    word[n] = 0;
    return true;
}

static int split_rule(struct rule_text *r, const char **at) {
    const char *begin = *at, *end = begin;
    bool fits = take_word(&end, ",,", r->whole) && take_word(at, "@,", r->when);
    if (!fits) {
        r->whole[LONGEST_WORD - 1] = 0;
        return bad_rule(r, "too long");
    }
    struct text next = text_begin(r->where, sizeof r->where);
    text_string(&next, "next");
    if (**at == '@') {
        (*at)++;
        take_word(at, ",,", r->where);
    }
    return 0;
}

static int no_room(char *error) {
    struct text t = text_begin(error, POPCORN_ERROR_SIZE);
    text_string(&t, "POPCORN_MIGRATE: more than 16 rules");
    return -E_INVAL;
}

int rules_parse(struct migration_rules *rules, const char *text, const struct popcorn_node_list *nodes,
                int (*find_function)(const char *), char error[POPCORN_ERROR_SIZE]) {
    for (const char *at = text;; at++) {
        struct rule_text r = {.error = error};
        struct migration_rule rule = {0};
        if (rules->count == POPCORN_MAX_RULES)
            return no_room(error);
        if (split_rule(&r, &at) || read_when(&rule, &r, find_function) || read_where(&rule, &r, nodes))
            return -E_INVAL;
        rules->rule[rules->count++] = rule;
        if (!*at)
            return 0;
    }
}

int rules_add_range(struct migration_rules *rules, const char *isa, const char *start, const char *end,
                    char error[POPCORN_ERROR_SIZE]) {
    struct migration_rule rule = {.when = RULE_RANGE, .where = RULE_NEXT};
    if (rules->count == POPCORN_MAX_RULES)
        return no_room(error);
    if (!read_hex(start, &rule.start) || !read_hex(end, &rule.end) || rule.start >= rule.end) {
        struct text t = text_begin(error, POPCORN_ERROR_SIZE);
        text_string(&t, isa);
        text_string(
            &t, ": _MIGRATE_START and _MIGRATE_END must be hexadecimal addresses, the end above the start");
        return -E_INVAL;
    }
    struct text t = text_begin(rule.isa, sizeof rule.isa);
    text_string(&t, isa);
    rules->rule[rules->count++] = rule;
    return 0;
}
