/* SPDX-License-Identifier: MIT */
/* popcorn info: what is in a program. */
#include <argp.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint_file.h"
#include "image.h"
#include "popcorn.h"
#include "program.h"

struct request {
    const char *path, *isa;
    bool sites, functions;
};

enum { OPTION_ISA = 256 };

static const struct argp_option options[] = {
    {"sites", 's', NULL, 0, "Dump the call-site table: where each live value is at each return address", 0},
    {"functions", 'f', NULL, 0, "List the functions: which can migrate, and why the others cannot", 0},
    {"isa", OPTION_ISA, "ISA", 0, "With --sites or --functions: of this ISA's image (default: the first)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct request *request = state->input;
    switch (key) {
    case 's':
        request->sites = true;
        return 0;
    case 'f':
        request->functions = true;
        return 0;
    case OPTION_ISA:
        request->isa = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (request->path)
            die("info takes one program: \"%s\" is too much", argument);
        request->path = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        die("info: of which program? Try `popcorn info --help`");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {options,
                                   parse,
                                   "PROG|CHECKPOINT",
                                   "Shows what is in a popcorn program: its ISAs, sizes, call sites, and "
                                   "what can migrate; or what is in a checkpoint.",
                                   NULL,
                                   NULL,
                                   NULL};

/* Functions. */

struct name_list {
    const char **name;
    uint32_t count;
};

struct function_count {
    const struct name_list *migratable;
    uint32_t plain;
    uint64_t plain_bytes;
    bool print;
};

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct name_list migratable_names(const struct program_tables *tables) {
    struct name_list list = {calloc(tables->nfunctions + 1, sizeof *list.name), 0};
    if (!list.name)
        die("out of memory");
    for (uint32_t i = 0; i < tables->nfunctions; i++) {
        const char *name = tables_function(tables, i);
        if (name)
            list.name[list.count++] = name;
    }
    qsort(list.name, list.count, sizeof *list.name, compare_names);
    return list;
}

static bool in_list(const struct name_list *list, const char *name) {
    return bsearch(&name, list->name, list->count, sizeof *list->name, compare_names) != NULL;
}

/* Is this a second body (NAME.resume, NAME.loop…) of a function that can migrate? */
static bool is_second_body(const struct name_list *list, const char *name) {
    char first[1024];
    const char *dot = strrchr(name, '.');
    while (dot && (size_t)(dot - name) < sizeof first) {
        snprintf(first, sizeof first, "%.*s", (int)(dot - name), name);
        if (in_list(list, first))
            return true;
        dot = strrchr(first, '.');
        dot = dot ? name + (dot - first) : NULL;
    }
    return false;
}

static void count_function(const char *name, uint64_t size, void *data) {
    struct function_count *count = data;
    if (in_list(count->migratable, name) || is_second_body(count->migratable, name))
        return;
    count->plain++;
    count->plain_bytes += size;
    if (count->print)
        printf("plain    %s\n", name);
}

static void show_functions(const struct image *image, const struct program_tables *tables, bool print) {
    if (!tables->name) {
        puts("functions: unknown, the program has no symbol table any more");
        return;
    }
    struct name_list list = migratable_names(tables);
    struct function_count count = {.migratable = &list, .print = print};
    if (print)
        puts("# migrate: a thread may migrate while in it\n"
             "# plain: it reaches no loop, recursion or call where a thread may migrate, or it is native "
             "code of the "
             "run time; it costs nothing");
    for (uint32_t i = 0; print && i < list.count; i++)
        printf("migrate  %s\n", list.name[i]);
    image_each_function(image, count_function, &count);
    if (!print)
        printf("functions: %" PRIu32 " can migrate, %" PRIu32
               " cannot (they reach no migration point; --functions lists "
               "them)\ncall sites: %" PRIu32 " where a thread may be captured (--sites lists them)\n",
               list.count, count.plain, image->sites.nsites ? image->sites.nsites - 1 : 0);
    free(list.name);
}

/* The call-site table. */

static void show_location(const struct popcorn_location *l) {
    static const int size[] = {
        [POPCORN_AT_8] = 8, [POPCORN_AT_4] = 4, [POPCORN_AT_2] = 2, [POPCORN_AT_1] = 1};
    switch (l->kind) {
    case POPCORN_IN_REGISTER:
        printf(" r%" PRIu32, l->reg);
        break;
    case POPCORN_ADDRESS:
        printf(" &[r%" PRIu32 "%+" PRId64 "]", l->reg, l->offset);
        break;
    case POPCORN_CONSTANT:
        printf(" #%" PRId64, l->offset);
        break;
    default:
        printf(" [r%" PRIu32 "%+" PRId64 "]:%d", l->reg, l->offset, size[l->kind]);
    }
}

static void show_rule(const struct popcorn_sites *sites, uint32_t number) {
    struct popcorn_rule rule;
    struct popcorn_saved saved;
    if (!popcorn_rule_open(sites, number, &rule))
        die("the call-site table is damaged");
    printf(" | CFA r%" PRIu32 "%+" PRId64, rule.cfa_reg, rule.cfa_offset);
    for (uint32_t i = 0; i < rule.nsaved && popcorn_rule_next(&rule, &saved); i++)
        printf(" r%" PRIu32 "@%+" PRId64, saved.reg, saved.offset);
}

static void show_values(const struct popcorn_site *site) {
    struct popcorn_location location;
    if (site->image) {
        if (popcorn_site_location(site, 0, &location))
            show_location(&location);
        return;
    }
    for (uint32_t slot = popcorn_live_slot(&site->live, 0); slot < site->live.nslots;
         slot = popcorn_live_slot(&site->live, slot + 1))
        if (popcorn_site_location(site, slot, &location))
            show_location(&location);
}

static void show_site(const struct popcorn_site *site, const struct program_tables *tables) {
    bool known = site->site != POPCORN_SITE_IN_IMAGE;
    const char *function = known ? tables_function(tables, site->live.function) : NULL;
    printf("%#" PRIx64 " %" PRIu32 " %s%s", site->address, site->site, function ? function : "?",
           site->image ? " (resume)" : "");
    show_values(site);
    show_rule(site->table, site->rule);
    putchar('\n');
}

static void show_sites(const struct image *image, const struct program_tables *tables) {
    uint32_t *place = calloc(image->sites.nslots + 1UL, sizeof *place);
    struct popcorn_site site;
    if (!place)
        die("out of memory");
    printf("# %s: return address, site, function, live values | the caller's frame (registers by DWARF "
           "number)\n",
           image->isa);
    for (uint32_t i = 0; i < image->sites.count; i++) {
        if (!(i ? popcorn_sites_next(&site) : popcorn_sites_begin(&image->sites, 0, place, &site)))
            die("the %s image's call-site table is damaged", image->isa);
        show_site(&site, tables);
    }
    free(place);
}

static void show_images(struct program *p) {
    const struct popcorn_manifest *m = &p->container.manifest;
    printf("%s: %u ISA%s, layout %016" PRIx64 "\n", p->path, m->count, m->count == 1 ? "" : "s",
           m->layout_hash);
    printf("%-10s %9s %9s %9s %9s %9s %9s   %s\n", "ISA", "text", "table", "constants", "data", "image",
           "in file", "return addresses");
    for (unsigned i = 0; i < m->count; i++) {
        struct image image;
        size_t size;
        const uint8_t *bytes = program_image(p, i, &size);
        image_open(&image, m->image[i].isa, bytes, size);
        printf("%-10s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64
               "   %" PRIu32 "%s\n",
               image.isa, image.text, image.table, image.constants, image.data, m->image[i].size,
               m->image[i].stored, image.sites.count, i == 0 ? "   (starts here)" : "");
        elf_end(image.elf);
    }
}

/* True if the file is one. */
static bool show_checkpoint(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_one = fd >= 0 && checkpoint_is(fd);
    if (is_one)
        checkpoint_show(fd, path);
    if (fd >= 0)
        close(fd);
    return is_one;
}

int command_info(int argc, char **argv) {
    struct request request = {0};
    struct program program;
    struct image image;
    size_t size;
    argp_parse(&parser, argc, argv, 0, NULL, &request);
    if (show_checkpoint(request.path))
        return 0;
    program_open(&program, request.path);
    const struct popcorn_manifest *manifest = &program.container.manifest;
    int index = request.isa ? popcorn_container_find(&program.container, request.isa) : 0;
    if (index < 0)
        die("%s has no image for %s", request.path, request.isa);
    const uint8_t *bytes = program_image(&program, (unsigned)index, &size);
    image_open(&image, manifest->image[index].isa, bytes, size);
    struct program_tables tables = image_tables(&image);
    if (!request.sites && !request.functions)
        show_images(&program);
    if (!request.sites)
        show_functions(&image, &tables, request.functions);
    if (request.sites)
        show_sites(&image, &tables);
    free(tables.name);
    elf_end(image.elf);
    return 0;
}
