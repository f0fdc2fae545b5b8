/* SPDX-License-Identifier: MIT */
/*
 * lld writes `ld.lld-19: error: TEXT` and below it lines `>>> referenced by FILE:LINE (PATH:LINE)` and the
 * like, then a blank line. Places in its own intermediate files tell a user nothing.
 */
#include "complaints.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PLACES = 2 }; /* a symbol that is there twice has two */

struct complaint {
    char *text; /* null: none */
    char *place[MOST_PLACES];
    int places;
};

static void finish(struct complaint *c, FILE *to) {
    if (!c->text)
        return;
    fprintf(to, "popcorn-ld: error: %s", c->text);
    for (int i = 0; i < c->places; i++) {
        fprintf(to, "%s%s", i ? ", " : " (", c->place[i]);
        free(c->place[i]);
    }
    fputs(c->places ? ")\n" : "\n", to);
    free(c->text);
    *c = (struct complaint){0};
}

/* "referenced by u.c:5 (/home/me/u.c:5)" becomes "referenced by u.c:5". */
static void add_place(struct complaint *c, char *place) {
    char *end = strstr(place, " (");
    if (end)
        *end = 0;
    bool wanted = !strncmp(place, "referenced by ", 14) || !strncmp(place, "defined ", 8);
    if (!wanted || strstr(place, "ld-temp.o") || strstr(place, "<internal>") || c->places == MOST_PLACES)
        return;
    if (c->places && !strncmp(place, "referenced by ", 14)) /* the first use is enough */
        return;
    c->place[c->places++] = strdup(place);
}

void complaints_print(FILE *from, FILE *to) {
    static const char error[] = "error: ", below[] = ">>> ";
    struct complaint c = {0};
    char *line = NULL, *last = NULL; /* a full disk is complained of for each of lld's files */
    size_t size = 0;
    while (getline(&line, &size, from) > 0) {
        line[strcspn(line, "\n")] = 0;
        char *begin = !strncmp(line, "ld.lld", 6) ? strstr(line, error) : NULL;
        if (c.text && !strncmp(line, below, strlen(below))) {
            add_place(&c, line + strlen(below));
            continue;
        }
        finish(&c, to);
        if (begin)
            c.text = strdup(begin + strlen(error));
        else if (*line && (!last || strcmp(line, last))) {
            fprintf(to, "%s\n", line);
            free(last);
            last = strdup(line);
        }
    }
    finish(&c, to);
    free(line);
    free(last);
}
