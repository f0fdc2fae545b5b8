/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "buffer.h"
#include "die.h"
#include "isa.h"

void list_add(struct list *list, const char *item) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 16;
        list->item = must_realloc(list->item, list->capacity * sizeof *list->item);
    }
    list->item[list->count++] = item;
}

bool list_has(const struct list *list, const char *item) {
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->item[i], item))
            return true;
    return false;
}

/* What happens to an option. */
enum action {
    DROP, /* no meaning here */
    PASS, /* to the resolving link */
    REFUSE,
    SPECIAL,
};

/* Whether an option takes a value. */
enum value { NONE, MAYBE_JOINED, JOINED_OR_NEXT };

struct option {
    const char *name; /* without dashes; one letter: -x, its value may follow at once */
    enum value value;
    enum action action;
};

static const struct option options[] = {
    /* inputs and how they are resolved */
    {"L", JOINED_OR_NEXT, SPECIAL},
    {"library-path", JOINED_OR_NEXT, SPECIAL},
    {"l", JOINED_OR_NEXT, SPECIAL},
    {"library", JOINED_OR_NEXT, SPECIAL},
    {"u", JOINED_OR_NEXT, SPECIAL},
    {"undefined", JOINED_OR_NEXT, SPECIAL},
    {"require-defined", JOINED_OR_NEXT, SPECIAL},
    {"defsym", JOINED_OR_NEXT, SPECIAL},
    {"sysroot", JOINED_OR_NEXT, PASS},
    {"start-group", NONE, PASS},
    {"end-group", NONE, PASS},
    {"(", NONE, PASS},
    {")", NONE, PASS},
    {"start-lib", NONE, PASS},
    {"end-lib", NONE, PASS},
    {"whole-archive", NONE, PASS},
    {"no-whole-archive", NONE, PASS},
    {"push-state", NONE, PASS},
    {"pop-state", NONE, PASS},
    {"y", JOINED_OR_NEXT, PASS},
    {"trace-symbol", JOINED_OR_NEXT, PASS},
    {"t", NONE, PASS},
    {"trace", NONE, PASS},
    {"allow-multiple-definition", NONE, PASS},
    {"error-limit", JOINED_OR_NEXT, PASS},
    {"fatal-warnings", NONE, PASS},
    {"no-fatal-warnings", NONE, PASS},
    {"color-diagnostics", MAYBE_JOINED, PASS},
    {"no-color-diagnostics", NONE, PASS},
    {"mllvm", JOINED_OR_NEXT, SPECIAL},
    {"plugin-opt", JOINED_OR_NEXT, SPECIAL},
    {"save-temps", MAYBE_JOINED, DROP},
    {"fat-lto-objects", NONE, DROP},
    {"no-fat-lto-objects", NONE, DROP},
    /* what dlsym finds */
    {"E", NONE, PASS},
    {"export-dynamic", NONE, PASS},
    {"no-export-dynamic", NONE, PASS},
    {"export-dynamic-symbol", JOINED_OR_NEXT, PASS},
    {"export-dynamic-symbol-list", JOINED_OR_NEXT, PASS},
    {"dynamic-list", JOINED_OR_NEXT, PASS},
    {"exclude-libs", JOINED_OR_NEXT, PASS},
    /* our own */
    {"popcorn-isas", JOINED_OR_NEXT, SPECIAL},
    {"popcorn-no-migration", NONE, SPECIAL},
    {"popcorn-keep-temps", JOINED_OR_NEXT, SPECIAL},
    {"popcorn-time", NONE, SPECIAL},
    {"popcorn-no-vectorize", NONE, SPECIAL},
    {"popcorn-no-tree-vectorize", NONE, SPECIAL},
    {"popcorn-no-slp-vectorize", NONE, SPECIAL},
    {"popcorn-no-tree-slp-vectorize", NONE, SPECIAL},
    {"popcorn-no-unroll-loops", NONE, SPECIAL},
    /* the output */
    {"o", JOINED_OR_NEXT, SPECIAL},
    {"output", JOINED_OR_NEXT, SPECIAL},
    {"s", NONE, SPECIAL},
    {"strip-all", NONE, SPECIAL},
    {"S", NONE, SPECIAL},
    {"strip-debug", NONE, SPECIAL},
    {"Map", JOINED_OR_NEXT, SPECIAL},
    {"r", NONE, SPECIAL},
    {"relocatable", NONE, SPECIAL},
    {"v", NONE, SPECIAL},
    {"V", NONE, SPECIAL},
    {"version", NONE, SPECIAL},
    {"help", NONE, SPECIAL},
    {"verbose", NONE, SPECIAL},
    {"e", JOINED_OR_NEXT, SPECIAL},
    {"entry", JOINED_OR_NEXT, SPECIAL},
    /* other kinds of output */
    {"shared", NONE, REFUSE},
    {"Bshareable", NONE, REFUSE},
    {"T", JOINED_OR_NEXT, REFUSE},
    {"script", JOINED_OR_NEXT, REFUSE},
    {"Ttext", JOINED_OR_NEXT, REFUSE},
    {"Tdata", JOINED_OR_NEXT, REFUSE},
    {"Tbss", JOINED_OR_NEXT, REFUSE},
    {"section-start", JOINED_OR_NEXT, REFUSE},
    {"image-base", JOINED_OR_NEXT, REFUSE},
    {"wrap", JOINED_OR_NEXT, REFUSE},
    {"oformat", JOINED_OR_NEXT, REFUSE},
    {"format", JOINED_OR_NEXT, REFUSE},
    {"b", JOINED_OR_NEXT, REFUSE},
    /* decided here, or for programs of another kind */
    {"m", JOINED_OR_NEXT, DROP},
    {"z", JOINED_OR_NEXT, DROP},
    {"O", JOINED_OR_NEXT, DROP},
    {"static", NONE, DROP},
    {"non_shared", NONE, DROP},
    {"Bstatic", NONE, DROP},
    {"Bdynamic", NONE, DROP},
    {"dn", NONE, DROP},
    {"dy", NONE, DROP},
    {"Bsymbolic", NONE, DROP},
    {"Bsymbolic-functions", NONE, DROP},
    {"pie", NONE, DROP},
    {"pic-executable", NONE, DROP},
    {"no-pie", NONE, DROP},
    {"nostdlib", NONE, DROP},
    {"no-dynamic-linker", NONE, DROP},
    {"dynamic-linker", JOINED_OR_NEXT, DROP},
    {"I", JOINED_OR_NEXT, DROP},
    {"hash-style", JOINED_OR_NEXT, DROP},
    {"build-id", MAYBE_JOINED, DROP},
    {"eh-frame-hdr", NONE, DROP},
    {"no-eh-frame-hdr", NONE, DROP},
    {"X", NONE, DROP},
    {"x", NONE, DROP},
    {"discard-locals", NONE, DROP},
    {"discard-all", NONE, DROP},
    {"discard-none", NONE, DROP},
    {"gc-sections", NONE, DROP},
    {"no-gc-sections", NONE, DROP},
    {"print-gc-sections", NONE, DROP},
    {"icf", JOINED_OR_NEXT, DROP},
    {"version-script", JOINED_OR_NEXT, DROP},
    {"rpath", JOINED_OR_NEXT, DROP},
    {"rpath-link", JOINED_OR_NEXT, DROP},
    {"R", JOINED_OR_NEXT, DROP},
    {"h", JOINED_OR_NEXT, DROP},
    {"soname", JOINED_OR_NEXT, DROP},
    {"enable-new-dtags", NONE, DROP},
    {"disable-new-dtags", NONE, DROP},
    {"as-needed", NONE, DROP},
    {"no-as-needed", NONE, DROP},
    {"add-needed", NONE, DROP},
    {"no-add-needed", NONE, DROP},
    {"copy-dt-needed-entries", NONE, DROP},
    {"no-copy-dt-needed-entries", NONE, DROP},
    {"no-undefined", NONE, DROP},
    {"no-allow-shlib-undefined", NONE, DROP},
    {"allow-shlib-undefined", NONE, DROP},
    {"unresolved-symbols", JOINED_OR_NEXT, DROP},
    {"relax", NONE, DROP},
    {"no-relax", NONE, DROP},
    {"sort-common", MAYBE_JOINED, DROP},
    {"sort-section", JOINED_OR_NEXT, DROP},
    {"warn-common", NONE, DROP},
    {"no-warn-common", NONE, DROP},
    {"warn-once", NONE, DROP},
    {"warn-unresolved-symbols", NONE, DROP},
    {"no-warn-mismatch", NONE, DROP},
    {"no-warnings", NONE, DROP},
    {"w", NONE, DROP},
    {"threads", MAYBE_JOINED, DROP},
    {"no-threads", NONE, DROP},
    {"stats", NONE, DROP},
    {"cref", NONE, DROP},
    {"M", NONE, DROP},
    {"print-map", NONE, DROP},
    {"demangle", NONE, DROP},
    {"no-demangle", NONE, DROP},
    {"EL", NONE, DROP},
    {"G", JOINED_OR_NEXT, DROP},
    {"plugin", JOINED_OR_NEXT, DROP},
    {"compress-debug-sections", JOINED_OR_NEXT, DROP},
    {"reproduce", JOINED_OR_NEXT, DROP},
    {"ld-path", JOINED_OR_NEXT, DROP},
};

struct cursor { /* over the command line, response files expanded */
    struct list words;
    size_t next;
};

static const char *read_file(const char *path) {
    struct buffer text = {0};
    char part[4096];
    FILE *f = fopen(path, "re");
    if (!f)
        die("%s: %s", path, strerror(errno));
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buffer_put(&text, part, n);
    fclose(f);
    buffer_put(&text, "", 1);
    return (const char *)text.bytes;
}

static void add_word(struct list *words, const char *word, int depth);

/* Splits a response file as GNU tools do: white space separates, quotes and backslashes keep. */
static void expand(struct list *words, const char *text, int depth) {
    while (*text) {
        struct buffer word = {0};
        char quote = 0;
        bool any = false;
        for (; *text && (quote || !strchr(" \t\r\n", *text)); text++) {
            any = true;
            if (*text == '\\' && text[1])
                buffer_put(&word, ++text, 1);
            else if (quote ? *text == quote : *text == '"' || *text == '\'')
                quote = quote ? 0 : *text;
            else
                buffer_put(&word, text, 1);
        }
        buffer_put(&word, "", 1);
        if (any)
            add_word(words, (const char *)word.bytes, depth);
        text += *text != 0;
    }
}

static void add_word(struct list *words, const char *word, int depth) {
    if (word[0] != '@' || !word[1])
        list_add(words, word);
    else if (depth > 16)
        die("%s: response files include each other", word + 1);
    else
        expand(words, read_file(word + 1), depth + 1);
}

/* Matches `word` (dashes gone) with an option; *value is what is joined to it, or null. */
static bool matches(const struct option *o, const char *word, bool two_dashes, const char **value) {
    size_t n = strlen(o->name);
    *value = NULL;
    if (strncmp(word, o->name, n))
        return false;
    if (!word[n])
        return !(two_dashes && n == 1 && o->name[0] != '(' && o->name[0] != ')');
    if (o->value == NONE)
        return false;
    if (n == 1 && o->value == JOINED_OR_NEXT) {
        *value = word + 1;
        return !two_dashes;
    }
    *value = word + n + 1;
    return word[n] == '=';
}

/* Long names first, for "-soname" begins with "-s" and "-l…" with "-L" never. */
static const struct option *find_option(const char *word, const char **value) {
    bool two_dashes = word[1] == '-';
    const char *name = word + 1 + two_dashes;
    for (int letters = 0; letters < 2; letters++)
        for (size_t i = 0; i < sizeof options / sizeof *options; i++)
            if ((strlen(options[i].name) == 1) == letters && matches(&options[i], name, two_dashes, value))
                return &options[i];
    return NULL;
}

static void add_name(struct list *list, const char *name) {
    if (!list_has(list, name))
        list_add(list, name);
}

/* An ISA with the level that machines of today have. */
static void add_usual(struct arguments *a, const struct isa *isa) {
    add_name(&a->isas, isa->name);
    if (isa->level[0].name)
        add_name(&a->levels, isa->level[0].name);
}

/* An ISA, or one of its levels, which brings the ISA along. */
static bool add_isa(struct arguments *a, const char *name) {
    for (size_t i = 0; isa_at(i); i++) {
        bool is_level = isa_level(isa_at(i), name);
        if (!is_level && strcmp(isa_at(i)->name, name))
            continue;
        add_name(&a->isas, isa_at(i)->name);
        if (is_level)
            add_name(&a->levels, name);
        return true;
    }
    return false;
}

static void add_isas(struct arguments *a, const char *text) {
    char *names = must_strdup(text), *rest = names;
    static struct utsname host;
    a->isas.count = a->levels.count = 0;
    for (char *name; (name = strsep(&rest, ","));) {
        if (!strcmp(name, "native") && !uname(&host) && isa_find(host.machine))
            add_usual(a, isa_find(host.machine));
        else if (!add_isa(a, name))
            die("--popcorn-isas: unknown ISA '%s' (known: native, %s)", name, isa_names());
    }
}

/* Operands of --defsym are used by name: they must keep it. */
static void keep_names(struct arguments *a, const char *expression) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$";
    while (*(expression += strcspn(expression, letters))) {
        size_t n = strspn(expression, letters);
        list_add(&a->keep, strndup(expression, n));
        expression += n;
    }
}

static void plugin_option(struct arguments *a, const char *value) {
    if (value[0] == 'O' && value[1] >= '0' && value[1] <= '3' && !value[2])
        a->optimise = value + 1;
}

static bool is(const struct option *o, const char *one, const char *other) {
    return !strcmp(o->name, one) || (other && !strcmp(o->name, other));
}

static void special_input(struct arguments *a, const struct option *o, const char *value) {
    if (is(o, "L", "library-path")) {
        list_add(&a->search, value);
        list_add(&a->resolve, must_format("-L%s", value));
    } else if (is(o, "l", "library")) {
        if (!strcmp(value, "gcc") || !strcmp(value, "gcc_eh") || !strcmp(value, "gcc_s"))
            return;
        list_add(&a->libraries, value);
        list_add(&a->resolve, must_format("-l%s", value));
    } else if (is(o, "u", "undefined") || is(o, "require-defined", NULL)) {
        list_add(&a->keep, value);
        list_add(&a->resolve, must_format("--undefined=%s", value));
    } else if (is(o, "defsym", NULL)) {
        keep_names(a, value);
        list_add(&a->resolve, must_format("--defsym=%s", value));
        list_add(&a->image, must_format("--defsym=%s", value));
    }
}

static void special_output(struct arguments *a, const struct option *o, const char *value) {
    if (is(o, "o", "output"))
        a->output = value;
    else if (is(o, "s", "strip-all"))
        a->strip_all = true;
    else if (is(o, "S", "strip-debug"))
        a->strip_debug = true;
    else if (is(o, "Map", NULL))
        a->map = value;
    else if (is(o, "r", "relocatable"))
        a->mode = LINK_RELOCATABLE;
    else if (is(o, "version", NULL))
        a->mode = LINK_VERSION;
    else if (is(o, "help", NULL))
        a->mode = LINK_HELP;
    else if (is(o, "v", "V"))
        a->verbose = a->show_version = true;
    else if (is(o, "verbose", NULL))
        a->verbose = true;
    else if (is(o, "e", "entry") && strcmp(value, "_start"))
        die("-e %s: a program starts at _start", value);
}

static void special(struct arguments *a, const struct option *o, const char *value) {
    if (is(o, "popcorn-isas", NULL))
        add_isas(a, value);
    else if (is(o, "popcorn-no-migration", NULL))
        a->migration = false;
    else if (is(o, "popcorn-keep-temps", NULL))
        a->keep_temps = value;
    else if (is(o, "popcorn-time", NULL))
        a->show_time = true;
    else if (is(o, "mllvm", NULL))
        list_add(&a->llvm, value);
    else if (is(o, "popcorn-no-vectorize", "popcorn-no-tree-vectorize"))
        a->vectorise_loops = false;
    else if (is(o, "popcorn-no-slp-vectorize", "popcorn-no-tree-slp-vectorize"))
        a->vectorise_blocks = false;
    else if (is(o, "popcorn-no-unroll-loops", NULL))
        a->unroll = false;
    else if (is(o, "plugin-opt", NULL))
        plugin_option(a, value);
    else {
        special_input(a, o, value);
        special_output(a, o, value);
    }
}

static void read_option(struct arguments *a, struct cursor *c, const char *word) {
    const char *value;
    const struct option *o = find_option(word, &value);
    if (!o)
        die("unknown option '%s'", word);
    if (o->action == REFUSE)
        die("%s is not supported: a popcorn program is one static executable%s", word,
            is(o, "shared", "Bshareable") ? "; link its libraries as archives (.a)" : "");
    if (o->value == JOINED_OR_NEXT && !value) {
        if (c->next == c->words.count)
            die("option '%s' lacks its value", word);
        value = c->words.item[c->next++];
    }
    if (o->action == SPECIAL) {
        special(a, o, value);
    } else if (o->action == PASS) {
        bool letter = strlen(o->name) == 1;
        list_add(&a->resolve, must_format("%s%s%s%s", letter ? "-" : "--", o->name,
                                          value && !letter ? "=" : "", value ? value : ""));
    }
}

/* The native image starts directly: it goes first. */
static void order_isas(struct arguments *a) {
    struct utsname host;
    if (!a->isas.count)
        for (size_t i = 0; isa_at(i); i++)
            add_usual(a, isa_at(i));
    if (uname(&host))
        return;
    for (size_t i = a->isas.count; i-- > 1;) {
        if (strcmp(a->isas.item[i], host.machine))
            continue;
        const char *native = a->isas.item[i];
        memmove(a->isas.item + 1, a->isas.item, i * sizeof *a->isas.item);
        a->isas.item[0] = native;
        return;
    }
}

/* GCC's start files have no place in the module. */
static bool is_start_file(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return !strncmp(name, "crtbegin", 8) || !strncmp(name, "crtend", 6) || !strcmp(name, "crti.o") ||
           !strcmp(name, "crtn.o");
}

void arguments_read(struct arguments *a, int argc, char **argv) {
    struct cursor c = {0};
    *a = (struct arguments){
        .output = "a.out",
        .optimise = "2",
        .migration = true,
        .vectorise_loops = true,
        .vectorise_blocks = true,
        .unroll = true,
    };
    for (int i = 1; i < argc; i++)
        add_word(&c.words, argv[i], 0);
    while (c.next < c.words.count) {
        const char *word = c.words.item[c.next++];
        if (word[0] == '-' && word[1]) {
            read_option(a, &c, word);
        } else if (!is_start_file(word)) {
            list_add(&a->inputs, word);
            list_add(&a->resolve, word);
        }
    }
    order_isas(a);
}
