/* SPDX-License-Identifier: MIT */
/*
 * lld only resolves symbols and joins the module; it keeps every function that some code generator might ever
 * call (libm, mostly), for it cannot know. We know the module before it is optimised, so what it cannot need
 * is made internal and goes, and the optimiser and the pass run on the rest, in one process. The optimiser
 * may then still invent a call, of puts for a printf say, to a function that is not there: in that case the
 * link is done again with that name asked for.
 */
#include "module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "archive.h"
#include "buffer.h"
#include "complaints.h"
#include "die.h"
#include "elf_image.h"
#include "inputs.h"
#include "isa.h"
#include "paths.h"
#include "popcorn/helpers.h"
#include "script.h"
#include "symbols.h"
#include "work.h"

enum { MOST_ROUNDS = 8 };

struct module {
    const struct arguments *arguments;
    struct list keep;   /* names that native code or the user refers to */
    struct list wanted; /* names the optimiser came up with */
    struct symbols symbols;
    const char *native; /* the run time's archive that names are resolved against */
    const char *arithmetic;
    const char *resolved, *lowered;
    const char *undefined; /* lists the names that the lowered one needs */
};

/* What of libarithmetic.a the module may call. */
static const char *const helpers[] = {
#define HELPER(name, signature) #name,
    POPCORN_HELPERS(HELPER)
#undef HELPER
};

static void write_response(const char *path, const struct list *words) {
    struct buffer text = {0};
    for (size_t i = 0; i < words->count; i++) {
        buffer_put(&text, "\"", 1);
        for (const char *c = words->item[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                buffer_put(&text, "\\", 1);
            buffer_put(&text, c, 1);
        }
        buffer_put(&text, "\"\n", 2);
    }
    work_write(path, text.bytes, text.size);
    buffer_free(&text);
}

/*
 * How much of other object files may be inlined. The compiler has inlined within each file already; what a
 * function that may migrate grows by, its resume body and its records grow by too. LLVM's own 225 makes
 * Lua 1.7 times as large. Loops that are not unrolled as a whole are left to each image's optimiser: it may
 * want vectors.
 */
static const char *const tuned[] = {"-inline-threshold=25", "-unroll-runtime=false",
                                    "-unroll-allow-partial=false"};

/* What both kinds of resolving link begin with. */
static struct list lld_words(const struct module *m) {
    struct list words = {0};
    list_add(&words, "-m");
    list_add(&words, isa_find("riscv64")->emulation);
    list_add(&words, "-static");
    list_add(&words, "--fat-lto-objects");
    list_add(&words, must_format("--lto-O%s", m->arguments->optimise));
    return words;
}

static void add_inputs(const struct module *m, struct list *words) {
    const struct arguments *a = m->arguments;
    for (size_t i = 0; i < a->resolve.count; i++)
        list_add(words, a->resolve.item[i]);
    list_add(words, "--exclude-libs=libc.a:libmigrate.a");
    list_add(words, "--start-group");
    list_add(words, must_format("-L%s", paths_lib("sysroot/lib")));
    list_add(words, "-lmigrate");
    list_add(words, "-lbuiltins");
    if (list_has(&a->libraries, "c"))
        list_add(words, "-lc");
}

static bool run_lld(struct list *words, const char *output) {
    struct list argv = {0};
    const char *response = work_file("resolve.args");
    int errors = memfd_create("errors", MFD_CLOEXEC); /* no file: one of them may be that the disk is full */
    FILE *f = errors < 0 ? NULL : fdopen(errors, "r");
    if (!f)
        die("no memory file for lld's messages: %s", strerror(errno));
    list_add(words, "--end-group");
    list_add(words, "-o");
    list_add(words, output);
    write_response(response, words);
    list_add(&argv, "ld.lld-19");
    list_add(&argv, must_format("@%s", response));
    bool good = work_run(&argv, NULL, must_format("/proc/self/fd/%d", errors));
    complaints_print(f, stderr);
    fclose(f);
    return good;
}

/* Links as for a static riscv64 program, up to its one module, not optimised. */
static bool resolve(const struct module *m) {
    struct list words = lld_words(m);
    list_add(&words, "--lto-emit-llvm");
    list_add(&words, "--lto-newpm-passes=globaldce");
    list_add(&words, "--save-temps=resolution"); /* for symbols.h */
    list_add(&words, "--undefined=_start");
    list_add(&words, "--entry=_start");
    for (size_t i = 0; i < m->wanted.count; i++)
        list_add(&words, must_format("--undefined=%s", m->wanted.item[i]));
    add_inputs(m, &words);
    list_add(&words, m->native);
    list_add(&words, m->arithmetic);
    return run_lld(&words, m->resolved);
}

/* The names that stay visible in the module. */
static const char *write_kept(const struct module *m) {
    struct buffer names = {0};
    const char *path = work_file("keep.txt");
    for (size_t i = 0; i < m->keep.count; i++)
        buffer_printf(&names, "%s\n", m->keep.item[i]);
    for (size_t i = 0; m->symbols.has_dlsym && i < m->symbols.exported.count; i++)
        buffer_printf(&names, "%s\n", m->symbols.exported.item[i]);
    work_write(path, names.bytes, names.size);
    buffer_free(&names);
    return path;
}

static bool lower(const struct module *m) {
    const struct arguments *a = m->arguments;
    const char *symbols = work_file("symbols.txt");
    struct list argv = {0};
    symbols_write(&m->symbols, symbols);
    list_add(&argv, "opt-19");
    list_add(&argv, must_format("-load-pass-plugin=%s", paths_lib("popcorn-pass.so")));
    list_add(&argv, must_format("-passes=popcorn-keep,globaldce,lto<O%s>,%s", a->optimise,
                                a->migration ? "popcorn" : "popcorn-plain"));
    list_add(&argv, must_format("-popcorn-keep=%s", write_kept(m)));
    list_add(&argv, must_format("-popcorn-symbols=%s", symbols));
    list_add(&argv, must_format("-popcorn-undefined=%s", m->undefined));
    for (size_t i = 0; i < sizeof tuned / sizeof *tuned; i++)
        list_add(&argv, tuned[i]);
    for (size_t i = 0; i < a->llvm.count; i++)
        list_add(&argv, a->llvm.item[i]);
    list_add(&argv, m->resolved);
    list_add(&argv, "-o");
    list_add(&argv, m->lowered);
    return work_run(&argv, NULL, NULL);
}

/* Names that the lowered module needs and neither native code nor the linker script has. */
static struct list missing_names(const struct module *m, const struct list *native) {
    struct list missing = {0};
    FILE *f = fopen(m->undefined, "re");
    char *line = NULL;
    size_t size = 0;
    if (!f)
        die("%s: %s", m->undefined, strerror(errno));
    while (getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = 0;
        if (!list_has(native, line) && !script_defines(line) && !list_has(&m->arguments->keep, line))
            list_add(&missing, must_strdup(line));
    }
    free(line);
    fclose(f);
    return missing;
}

/*
 * Lets lld find out, with file and line, what is undefined. The native run time is left out, for it refers to
 * what the pass makes; its names count as defined.
 */
static _Noreturn void report_undefined(const struct module *m, const struct list *missing,
                                       const struct list *native) {
    struct list words = lld_words(m);
    list_add(&words, "--entry=_start_c");
    list_add(&words, "--undefined=_start_c");
    for (size_t i = 0; i < native->count; i++)
        list_add(&words, must_format("--defsym=%s=0", native->item[i]));
    add_inputs(m, &words);
    if (run_lld(&words, work_file("undefined")))
        for (size_t i = 0; i < missing->count; i++)
            fprintf(stderr, "popcorn-ld: error: undefined symbol: %s\n", missing->item[i]);
    die_quietly();
}

static void warn_of_dlopen(const struct symbols *symbols) {
    if (symbols->has_dlopen)
        fputs("popcorn-ld: warning: dlopen finds the program itself only; to load a shared object fails at "
              "run time\n",
              stderr);
}

const char *module_make(const struct arguments *a) {
    struct module m = {.arguments = a};
    struct list native = {0};
    m.native = paths_lib("riscv64/libpopcorn-rt.a");
    m.arithmetic = paths_lib("riscv64/libarithmetic.a");
    m.resolved = work_file("resolved.bc");
    m.lowered = work_file("module.bc");
    m.undefined = work_file("undefined.txt");
    for (size_t i = 0; isa_at(i); i++)
        inputs_names(paths_lib(must_format("%s/libpopcorn-rt.a", isa_at(i)->name)), &native, &m.keep);
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++)
        list_add(&native, helpers[i]);
    for (size_t i = 0; i < a->keep.count; i++)
        list_add(&m.keep, a->keep.item[i]);
    for (int round = 0; round < MOST_ROUNDS; round++) {
        progress("resolving symbols");
        if (!resolve(&m))
            die_quietly();
        symbols_free(&m.symbols);
        symbols_read(&m.symbols, must_format("%s.resolution.txt", m.resolved), paths_lib("sysroot/lib"));
        progress("optimising, lowering to the common ABI");
        if (!lower(&m))
            die_quietly();
        struct list missing = missing_names(&m, &native);
        size_t before = m.wanted.count;
        for (size_t i = 0; i < missing.count; i++) {
            if (list_has(&m.wanted, missing.item[i]))
                continue;
            list_add(&m.wanted, missing.item[i]);
            list_add(&m.keep, missing.item[i]);
        }
        if (!missing.count) {
            warn_of_dlopen(&m.symbols);
            return m.lowered;
        }
        if (m.wanted.count == before)
            report_undefined(&m, &missing, &native);
    }
    die("the optimiser asks for new functions without end");
}

static void run_step(struct list *argv) {
    if (!work_run(argv, NULL, NULL))
        die_quietly();
}

void module_join(const struct arguments *a, const char *output) {
    const struct isa *isa = isa_find("riscv64"); /* popcorn-clang's own choice for objects */
    const struct list inputs = inputs_extract(a);
    const char *joined = work_file("joined.bc"), *skeleton = work_file("skeleton.bc");
    struct list join = {0}, embed = {0}, generate = {0};
    list_add(&join, "llvm-link-19");
    for (size_t i = 0; i < inputs.count; i++)
        list_add(&join, inputs.item[i]);
    list_add(&join, "-o");
    list_add(&join, joined);
    run_step(&join);
    list_add(&embed, "opt-19");
    list_add(&embed, must_format("-load-pass-plugin=%s", paths_lib("popcorn-skeleton.so")));
    list_add(&embed, "-passes=embed-bitcode,popcorn-skeleton");
    list_add(&embed, joined);
    list_add(&embed, "-o");
    list_add(&embed, skeleton);
    run_step(&embed);
    list_add(&generate, "llc-19");
    list_add(&generate, must_format("-mtriple=%s", isa->triple));
    list_add(&generate, "-filetype=obj");
    list_add(&generate, skeleton);
    list_add(&generate, "-o");
    list_add(&generate, output);
    run_step(&generate);
}
