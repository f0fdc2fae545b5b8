/* SPDX-License-Identifier: MIT */

#include "popcorn/migration.h"
#include "popcorn/text.h"
#include "syscall/kernel.h"

static const char *match_isa(const char *word, size_t length, const char *const *isas, int nisas) {
    for (int i = 0; i < nisas; i++) {
        size_t n = 0;
        while (n < length && isas[i][n] == word[n] && isas[i][n])
            n++;
        if (n == length && !isas[i][n])
            return isas[i];
    }
    return NULL;
}

static int node_error(char *error, const char *what, const char *word, size_t length) {
    struct text t = text_begin(error, POPCORN_ERROR_SIZE);
    text_string(&t, "POPCORN_NODES: ");
    text_string(&t, what);
    if (word) {
        text_string(&t, " \"");
        text_bytes(&t, word, length);
        text_string(&t, "\"");
    }
    return -E_INVAL;
}

static int add_node(struct popcorn_node_list *list, const char *isa, char *error) {
    if (list->count == POPCORN_MAX_NODES)
        return node_error(error, "more than 32 nodes", NULL, 0);
    struct text t = text_begin(list->isa[list->count++], sizeof list->isa[0]);
    text_string(&t, isa);
    return 0;
}

int nodes_parse(struct popcorn_node_list *list, const char *text, const char *const *isas, int nisas,
                char error[POPCORN_ERROR_SIZE]) {
    int bad = 0;
    list->count = 0;
    if (!text || !*text) {
        for (int i = 0; i < nisas && !bad; i++)
            bad = add_node(list, isas[i], error);
        return bad;
    }
    for (const char *word = text; !bad; word++) {
        size_t length = 0;
        while (word[length] && word[length] != ',')
            length++;
        const char *isa = match_isa(word, length, isas, nisas);
        bad = isa ? add_node(list, isa, error)
                  : node_error(error, "the program has no image for", word, length);
        word += length;
        if (!*word)
            break;
    }
    return bad;
}
