/* SPDX-License-Identifier: MIT */
/* Regular expressions: by backtracking, and by all states at once (Thompson). */
#include <stdio.h>
#include <string.h>

static int here(const char *p, const char *t);

static int starred(int c, const char *p, const char *t) {
    do
        if (here(p, t))
            return 1;
    while (*t && (*t++ == c || c == '.'));
    return 0;
}

static int here(const char *p, const char *t) {
    if (!*p)
        return 1;
    if (p[1] == '*')
        return starred(*p, p + 2, t);
    if (*p == '$' && !p[1])
        return !*t;
    return *t && (*p == '.' || *p == *t) && here(p + 1, t + 1);
}

static int matches(const char *p, const char *t) {
    do
        if (here(p, t))
            return 1;
    while (*t++);
    return 0;
}

/* A pattern of letters, dots and stars has a state for each letter and one for its end. */
struct machine {
    int count;
    char letter[32];
    unsigned char star[32];
};

static void compile(struct machine *m, const char *p) {
    memset(m, 0, sizeof *m);
    for (; *p; p++)
        if (*p == '*')
            m->star[m->count - 1] = 1;
        else
            m->letter[m->count++] = *p;
}

static int together(const struct machine *m, const char *t) {
    unsigned char now[33] = {0}, next[33];
    for (;; t++) {
        now[0] = 1;
        for (int i = 0; i < m->count; i++)
            if (now[i] && m->star[i])
                now[i + 1] = 1;
        if (now[m->count])
            return 1;
        if (!*t)
            return 0;
        memset(next, 0, sizeof next);
        for (int i = 0; i < m->count; i++)
            if (now[i] && (m->letter[i] == '.' || m->letter[i] == *t))
                next[m->star[i] ? i : i + 1] = 1;
        memcpy(now, next, sizeof now);
    }
}

int main(void) {
    static const char *const patterns[] = {"ab*c.d", "a.*b.*c.*d$", "x*y*z*w", "hello", "a*a*a*b"};
    static char lines[500][81];
    unsigned random = 1;
    for (int i = 0; i < 500; i++)
        for (int k = 0; k < 80; k++) {
            random = random * 1664525 + 1013904223;
            lines[i][k] = "aabbcdexyzw hlo"[(random >> 16) % 15];
        }
    unsigned long found = 0;
    for (int round = 0; round < 20; round++)
        for (unsigned p = 0; p < sizeof patterns / sizeof *patterns; p++) {
            struct machine m;
            compile(&m, patterns[p]);
            for (int i = 0; i < 500; i++)
                found = found * 3 + (unsigned)matches(patterns[p], lines[i]) +
                        2 * (unsigned)together(&m, lines[i]);
        }
    printf("%lu\n", found);
    return 0;
}
