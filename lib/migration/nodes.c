/* SPDX-License-Identifier: MIT */

#include "base/kernel.h"
#include "base/text.h"
#include "popcorn/migration.h"

static bool is_word(const char *text, const char *word, size_t length) {
    size_t n = 0;
    while (n < length && text[n] == word[n] && text[n])
        n++;
    return n == length && !text[n];
}

static const char *match_isa(const char *word, size_t length, const char *const *isas, int nisas) {
    for (int i = 0; i < nisas; i++)
        if (is_word(isas[i], word, length))
            return isas[i];
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
    list->name[list->count][0] = 0;
    struct text t = text_begin(list->isa[list->count++], sizeof list->isa[0]);
    text_string(&t, isa);
    return 0;
}

static size_t word_length(const char *word) {
    size_t length = 0;
    while (word[length] && word[length] != ',')
        length++;
    return length;
}

int nodes_parse(struct popcorn_node_list *list, const char *text, const char *const *isas, int nisas,
                char error[POPCORN_ERROR_SIZE]) {
    int bad = 0;
    list->count = 0;
    list->chosen = text && *text;
    if (!text || !*text) {
        for (int i = 0; i < nisas && !bad; i++)
            bad = add_node(list, isas[i], error);
        return bad;
    }
    for (const char *word = text; !bad; word++) {
        size_t length = word_length(word);
        const char *isa = match_isa(word, length, isas, nisas);
        bad = isa ? add_node(list, isa, error)
                  : node_error(error, "the program has no image for", word, length);
        word += length;
        if (!*word)
            break;
    }
    return bad;
}

static int match_machine(const struct popcorn_node_list *known, const char *word, size_t length) {
    for (int i = 0; i < known->count; i++)
        if (length && is_word(known->name[i], word, length))
            return i;
    return -1;
}

static bool has_machine(const struct popcorn_node_list *list, int machine) {
    for (int i = 0; i < list->count; i++)
        if (list->machine[i] == machine)
            return true;
    return false;
}

static void add_machine(struct popcorn_node_list *list, const struct popcorn_node_list *known, int machine) {
    int i = list->count++;
    __builtin_memcpy(list->isa[i], known->isa[machine], sizeof list->isa[i]);
    __builtin_memcpy(list->name[i], known->name[machine], sizeof list->name[i]);
    list->machine[i] = machine;
}

int nodes_parse_machines(struct popcorn_node_list *list, const char *text,
                         const struct popcorn_node_list *known, int self, char error[POPCORN_ERROR_SIZE]) {
    list->count = 0;
    if (!text || !*text) {
        *list = *known;
        return 0;
    }
    list->chosen = true;
    for (const char *word = text;; word++) {
        size_t length = word_length(word);
        int machine = match_machine(known, word, length);
        if (machine < 0)
            return node_error(error, "popcorn nodes lists no machine", word, length);
        if (has_machine(list, machine))
            return node_error(error, "twice the machine", word, length);
        add_machine(list, known, machine);
        word += length;
        if (!*word)
            break;
    }
    if (has_machine(list, self))
        return 0;
    const char *name = known->name[self];
    return node_error(error, "not among them: this machine,", name, word_length(name));
}
