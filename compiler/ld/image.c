/* SPDX-License-Identifier: MIT */
/*
 * Each image is linked twice: once with stack maps and frame rules, from which its call-site table is built,
 * and once with that table in their place. They lie where nothing comes after them, so nothing moves.
 */
#include "image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buffer.h"
#include "compare.h"
#include "die.h"
#include "isa.h"
#include "layout.h"
#include "paths.h"
#include "popcorn/abi.h"
#include "script.h"
#include "sites_build.h"
#include "work.h"

enum { MOST_ISAS = 8 };

/* What llc needs at most: a little, and so many times the bitcode's size. */
enum { CODEGEN_BYTES = 64 << 20, CODEGEN_FACTOR = 100 };

static const char *file_of(const char *isa, const char *what) {
    return work_file(must_format("%s.%s", isa, what));
}

/*
 * An ISA's code being made, by the optimiser and then by the code generator. Records name registers, so that
 * values stay there across calls. LLVM's register allocator may give up on a function with very many of them;
 * then all are kept in memory around calls.
 */
struct codegen {
    const struct isa *isa; /* null: none */
    int number;            /* of its process */
    bool optimising;
    bool in_memory;
    const char *module; /* what the code generator reads */
};

/* `quick`: as with -O0, which knows no registers that last. */
static struct codegen start_codegen(const struct isa *isa, const char *module, bool quick, bool in_memory) {
    struct list argv = {0};
    progress("generating code for %s", isa->name);
    list_add(&argv, "llc-19");
    list_add(&argv, must_format("-mtriple=%s", isa->triple));
    list_add(&argv, isa->cpu);
    for (size_t i = 0; isa->codegen[i]; i++)
        list_add(&argv, isa->codegen[i]);
    list_add(&argv, quick ? "-O0" : "-O2");
    list_add(&argv, "-relocation-model=static");
    if (!in_memory)
        list_add(&argv, "-use-registers-for-deopt-values");
    /* Else a record with many constants runs out of registers. */
    list_add(&argv, "-restrict-statepoint-remat");
    list_add(&argv, "-fp-contract=off");
    list_add(&argv, "-enable-global-merge=false"); /* it would lay globals out anew */
    list_add(&argv, "-disable-verify");            /* the pass has verified it */
    list_add(&argv, "-filetype=obj");
    list_add(&argv, module);
    list_add(&argv, "-o");
    list_add(&argv, file_of(isa->name, "module.o"));
    int number = work_start(&argv, NULL, file_of(isa->name, "codegen.log"));
    return (struct codegen){isa, number, false, in_memory, module};
}

/*
 * What only the ISA's own cost model can decide: vectors and unrolled loops. No loop with a site in it is
 * changed, and no site is: the records of all images stay the same. Calls may not become calls of other
 * functions any more.
 */
static const char *optimisation(const struct arguments *a, bool levels) {
    static const char clean[] = "instcombine<no-verify-fixpoint>";
    return must_format("-passes=%sfunction(%s%s%s,infer-alignment,%s%s)%s", levels ? "popcorn-levels," : "",
                       a->vectorise_loops ? "loop-vectorize,loop-load-elim," : "", clean,
                       a->vectorise_blocks ? ",slp-vectorizer,vector-combine" : "",
                       a->unroll ? "loop-unroll<O2>," : "", clean, levels ? ",popcorn-levels-end" : "");
}

/* Tells the pass of the ISA's levels that the program is for; false if there are none. */
static bool add_levels(const struct arguments *a, const struct isa *isa, struct list *argv) {
    size_t before = argv->count;
    for (const struct isa_level *l = isa->level; l->name; l++)
        if (list_has(&a->levels, l->name))
            list_add(argv, must_format("-popcorn-level=%d:%s", l->number, l->cpu));
    return argv->count > before;
}

static struct codegen start_optimiser(const struct arguments *a, const struct isa *isa, const char *module) {
    struct list argv = {0};
    const char *output = file_of(isa->name, "bc");
    progress("optimising for %s", isa->name);
    list_add(&argv, "opt-19");
    list_add(&argv, must_format("-load-pass-plugin=%s", paths_lib("popcorn-pass.so")));
    list_add(&argv, must_format("-mtriple=%s", isa->triple));
    list_add(&argv, isa->cpu);
    list_add(&argv, "-disable-simplify-libcalls");
    list_add(&argv, "-disable-verify");
    list_add(&argv, optimisation(a, a->vectorise_loops && add_levels(a, isa, &argv)));
    list_add(&argv, module);
    list_add(&argv, "-o");
    list_add(&argv, output);
    int number = work_start(&argv, NULL, file_of(isa->name, "codegen.log"));
    return (struct codegen){isa, number, true, false, output};
}

/* Copies what a code generator said to standard error; true if LLVM ran out of registers. */
static bool show_log(const struct codegen *c, bool always) {
    bool out_of_registers = false;
    char *line = NULL;
    size_t size = 0;
    FILE *f = fopen(file_of(c->isa->name, "codegen.log"), "re");
    while (f && getline(&line, &size, f) > 0)
        out_of_registers |= strstr(line, "ran out of registers") != NULL;
    if (f && (always || !out_of_registers)) {
        rewind(f);
        while (getline(&line, &size, f) > 0)
            fputs(line, stderr);
    }
    free(line);
    if (f)
        fclose(f);
    return out_of_registers;
}

/* Waits for any of the ISAs to end its step; false if another one follows, which is begun. */
static bool finish_codegen(struct codegen *list) {
    bool good = true;
    int number = work_wait(&good);
    struct codegen *c = list;
    while (number >= 0 && (!c->isa || c->number != number))
        c++;
    bool again = show_log(c, c->in_memory) && !good && !c->in_memory;
    if (!good && !again)
        die_quietly();
    if (again) {
        fprintf(
            stderr,
            "popcorn-ld: note: %s: LLVM ran out of registers; again, with values in memory around calls\n",
            c->isa->name);
        *c = start_codegen(c->isa, c->module, false, true);
    } else if (c->optimising) {
        *c = start_codegen(c->isa, c->module, false, false);
    } else {
        c->isa = NULL;
    }
    return !c->isa;
}

static void finish_one(void) {
    bool good = true;
    if (work_wait(&good) >= 0 && !good)
        die_quietly();
}

/*
 * How many code generators run at once. There may be more of them than processors: three on two are done
 * sooner than two and then one. But they must all fit into memory.
 */
static size_t codegens_at_once(const char *module) {
    struct stat st;
    unsigned long available = 0;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f) && sscanf(line, "MemAvailable: %lu kB", &available) != 1)
        ;
    if (f)
        fclose(f);
    if (stat(module, &st))
        die("%s: %s", module, strerror(errno));
    size_t n = available * 1024 / (CODEGEN_BYTES + (size_t)st.st_size * CODEGEN_FACTOR);
    return n ? n : 1;
}

static struct codegen start_isa(const struct arguments *a, const struct isa *isa, const char *module) {
    bool quick = a->optimise[0] == '0';
    if (a->optimise[0] >= '2')
        return start_optimiser(a, isa, module);
    return start_codegen(isa, module, quick, quick);
}

static void generate(const struct arguments *a, const char *module) {
    struct codegen list[MOST_ISAS] = {0};
    size_t started = 0, running = 0, at_once = codegens_at_once(module);
    while (started < a->isas.count || running) {
        if (started < a->isas.count && running < at_once) {
            list[started] = start_isa(a, isa_find(a->isas.item[started]), module);
            started++;
            running++;
        } else if (finish_codegen(list)) {
            running--;
        }
    }
}

static void open_image(struct elf_image *image, const char *path) {
    struct popcorn_error error;
    if (!elf_image_open(image, path, &error))
        die("%s", error.text);
}

static struct layout lay_out(const struct arguments *a) {
    struct elf_image objects[MOST_ISAS];
    struct popcorn_error error;
    struct layout layout;
    for (size_t i = 0; i < a->isas.count; i++)
        open_image(&objects[i], file_of(a->isas.item[i], "module.o"));
    if (!layout_make(&layout, objects, a->isas.count, &error))
        die("%s", error.text);
    for (size_t i = 0; i < a->isas.count; i++)
        elf_image_close(&objects[i]);
    return layout;
}

static const char *write_script(const struct layout *layout, const char *isa, const char *sites) {
    struct buffer text = {0};
    const char *path = file_of(isa, sites ? "final.ld" : "first.ld");
    script_write(&text, layout, sites);
    work_write(path, text.bytes, text.size);
    buffer_free(&text);
    return path;
}

static void start_link(const struct arguments *a, size_t index, const char *script, const char *sites,
                       const char *output) {
    const struct isa *isa = isa_find(a->isas.item[index]);
    struct list argv = {0};
    static const char *const fixed[] = {"ld.lld-19",
                                        "-static",
                                        "-znorelro",
                                        "-O0",
                                        "-zmax-page-size=0x10000",
                                        "--no-relax",
                                        "--discard-locals",
                                        "--build-id=none",
                                        "--orphan-handling=place",
                                        "-m"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        list_add(&argv, fixed[i]);
    list_add(&argv, isa->emulation);
    if (sites && (a->strip_all || a->strip_debug || index))
        list_add(&argv, a->strip_all ? "--strip-all" : "--strip-debug");
    if (sites && a->map && !index)
        list_add(&argv, must_format("-Map=%s", a->map));
    for (size_t i = 0; i < a->image.count; i++)
        list_add(&argv, a->image.item[i]);
    list_add(&argv, must_format("--script=%s", script));
    list_add(&argv, file_of(isa->name, "module.o"));
    list_add(&argv, "--start-group");
    list_add(&argv, paths_lib(must_format("%s/libpopcorn-rt.a", isa->name)));
    list_add(&argv, paths_lib(must_format("%s/libarithmetic.a", isa->name)));
    list_add(&argv, "--end-group");
    if (sites) {
        list_add(&argv, "--format=binary");
        list_add(&argv, sites);
    }
    list_add(&argv, "-o");
    list_add(&argv, output);
    work_start(&argv, NULL, NULL);
}

static const char *build_sites(const char *isa) {
    struct elf_image image;
    struct popcorn_error error;
    struct buffer table = {0};
    const char *path = file_of(isa, "sites");
    open_image(&image, file_of(isa, "first"));
    if (!sites_build(&image, POPCORN_TEXT_BASE, &table, &error))
        die("%s: %s", isa, error.text);
    elf_image_close(&image);
    work_write(path, table.bytes, table.size);
    buffer_free(&table);
    return path;
}

/* The table speaks of the first link's addresses: the second must have the very same text. */
static void check_text(const char *isa) {
    struct elf_image first, final;
    struct elf_section a, b;
    open_image(&first, file_of(isa, "first"));
    open_image(&final, file_of(isa, "final"));
    if (!elf_section_find(&first, ".text", &a) || !elf_section_find(&final, ".text", &b) ||
        a.header.sh_addr != b.header.sh_addr || a.header.sh_size != b.header.sh_size)
        die("%s: addresses moved between two links of one image", isa);
    elf_image_close(&first);
    elf_image_close(&final);
}

static void compare(const struct arguments *a, const struct layout *layout) {
    struct compared_image images[MOST_ISAS];
    struct popcorn_error error;
    for (size_t i = 0; i < a->isas.count; i++) {
        images[i].name = a->isas.item[i];
        open_image(&images[i].elf, file_of(images[i].name, "final"));
    }
    if (!images_compare(images, a->isas.count, SCRIPT_TEXT_START, SCRIPT_TEXT_START + layout->end, &error))
        die("the images do not match: %s", error.text);
    for (size_t i = 0; i < a->isas.count; i++)
        elf_image_close(&images[i].elf);
}

struct list images_make(const struct arguments *a, const char *module) {
    struct list images = {0};
    if (a->isas.count > MOST_ISAS)
        die("too many ISAs");
    generate(a, module);
    progress("linking the images");
    struct layout layout = lay_out(a);
    for (size_t i = 0; i < a->isas.count; i++)
        start_link(a, i, write_script(&layout, a->isas.item[i], NULL), NULL,
                   file_of(a->isas.item[i], "first"));
    for (size_t i = 0; i < a->isas.count; i++)
        finish_one();
    for (size_t i = 0; i < a->isas.count; i++) {
        const char *isa = a->isas.item[i], *sites = build_sites(isa);
        start_link(a, i, write_script(&layout, isa, sites), sites, file_of(isa, "final"));
    }
    for (size_t i = 0; i < a->isas.count; i++)
        finish_one();
    for (size_t i = 0; i < a->isas.count; i++) {
        check_text(a->isas.item[i]);
        list_add(&images, file_of(a->isas.item[i], "final"));
    }
    progress("comparing the images");
    compare(a, &layout);
    layout_free(&layout);
    return images;
}
