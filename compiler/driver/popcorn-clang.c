/* SPDX-License-Identifier: MIT */
/*
 * popcorn-clang: clang with popcorn.cfg. Everything is clang's but for a few options that ask for one ISA's
 * own code or for another kind of program: those without effect on what a program means are dropped, the
 * others refused.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLANG "clang-19"

/* Matched as a whole, or as a beginning if it ends in '*'. */
static const char *const dropped[] = {
    /* code is position-dependent, and protected or tuned for no ISA of its own */
    "-fPIC",
    "-fpic",
    "-fPIE",
    "-fpie",
    "-fno-PIC",
    "-fno-pic",
    "-fno-PIE",
    "-fno-pie",
    "-pie",
    "-no-pie",
    "-static-pie",
    "-fstack-protector*",
    "-fstack-clash-protection",
    "-fcf-protection*",
    "-mtune=*",
    "-mabi=*",
    "-mcmodel=*",
    "-mfpmath=*",
    "-mno-sse*",
    "-mno-avx*",
    "-mred-zone",
    "-mno-red-zone",
    "-m64",
    "-mrelax",
    "-mno-relax",
    "-mbranch-protection=*",
    /* objects hold bitcode, and frames are found by tables */
    "-flto",
    "-flto=*",
    "-fno-lto",
    "-ffat-lto-objects",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-fuse-linker-plugin",
    "-fno-use-linker-plugin",
    "-fuse-ld=*",
    /* every computation gives the same bits everywhere */
    "-ffp-contract=*",
    NULL,
};

/*
 * Options that ask for more than an ISA's baseline. Those whose level programs have unless --popcorn-isas
 * says otherwise are dropped; of the others a note says that they have no effect.
 */
static const char *const levels[] = {"-march=*", "-mcpu=*", "-msse*", "-mavx*", NULL};
static const char *const baseline[] = {
    "-march=x86-64", "-march=rv64gc", "-march=armv8-a",   "-mcpu=x86-64", "-mcpu=generic",
    "-msse",         "-msse2",        "-march=x86-64-v3", NULL,
};

static const struct {
    const char *option, *why;
} refused[] = {
    {"-shared", "a popcorn program is one static executable; make an archive (.a) instead"},
    {"-m32", "popcorn programs are 64-bit"},
    {"-mx32", "popcorn programs are 64-bit"},
    {"-fsanitize=*", "sanitizers need run-time libraries of one ISA"},
    {"-target", "the target is all ISAs; choose with --popcorn-isas=LIST"},
    {"--target=*", "the target is all ISAs; choose with --popcorn-isas=LIST"},
    {"-fsplit-stack", "stacks are Popcorn's own"},
    {"-fopenmp*", "OpenMP needs a run-time library of one ISA"},
    {"--coverage", "its run-time library is one ISA's; measure a native build"},
    {"-fprofile-generate*", "its run-time library is one ISA's; measure a native build"},
    {"-fprofile-instr-generate*", "its run-time library is one ISA's; measure a native build"},
    {"-fprofile-arcs", "its run-time library is one ISA's; measure a native build"},
    {"-fcoverage-mapping", "its run-time library is one ISA's; measure a native build"},
    {"-pg", "its run-time library is one ISA's; measure a native build"},
    {"-nostdlib", "the run time is linked with libc"},
    {"-nostartfiles", "the run time starts the program"},
};

/* Options of the linker, handed over as they are. */
static const char *const for_linker[] = {
    "--popcorn-isas=*", "--popcorn-no-migration", "--popcorn-keep-temps=*", "--popcorn-time", NULL,
};

/* Options of the compiler which the linker, which does what they forbid, has to know as well. */
static const char *const for_both[] = {
    "-fno-vectorize",          "-fno-tree-vectorize", "-fno-slp-vectorize",
    "-fno-tree-slp-vectorize", "-fno-unroll-loops",   NULL,
};

/* Options whose value is the next word, which is no option even if it looks like one. */
static const char *const with_value[] = {
    "-o",
    "-x",
    "-I",
    "-D",
    "-U",
    "-L",
    "-l",
    "-include",
    "-imacros",
    "-isystem",
    "-iquote",
    "-idirafter",
    "-MF",
    "-MT",
    "-MQ",
    "-Xlinker",
    "-Xclang",
    "-Xassembler",
    "-Xpreprocessor",
    "-u",
    "-z",
    "-T",
    "-e",
    "-mllvm",
    "--sysroot",
    "-isysroot",
    "-framework",
    "-arch",
    "-iprefix",
    "-iwithprefix",
    "--param",
    NULL,
};

/* Options that say what a preprocessor makes of a file. */
static const char *const for_preprocessor[] = {
    "-I*",        "-D*",      "-U*",          "-include",  "-imacros", "-isystem", "-iquote",
    "-idirafter", "-iprefix", "-iwithprefix", "-nostdinc", "-std=*",   "-O*",      NULL,
};

/* Sources of other languages, by their endings. */
static const char *const cplusplus[] = {".cc", ".cp", ".cpp", ".cxx", ".c++", ".C", ".CPP", ".ii", NULL};
static const char *const assembly[] = {".s", ".S", ".sx", ".asm", NULL};
static const char *const preprocessed_assembly[] = {".S", ".sx", NULL};

static bool matches(const char *word, const char *pattern) {
    size_t n = strlen(pattern);
    if (n && pattern[n - 1] == '*')
        return !strncmp(word, pattern, n - 1);
    return !strcmp(word, pattern);
}

static bool in(const char *const *patterns, const char *word) {
    for (; *patterns; patterns++)
        if (matches(word, *patterns))
            return true;
    return false;
}

static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "popcorn-clang: error: %s: %s\n", what, why);
    exit(1);
}

static void refuse(const char *word) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (matches(word, refused[i].option))
            die(word, refused[i].why);
}

/* "--config=" and where popcorn.cfg is, seen from this program's own place: ../lib/popcorn. */
static char *config_option(void) {
    static char option[PATH_MAX + 64];
    char self[PATH_MAX], path[PATH_MAX + 32];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        die("/proc/self/exe", strerror(errno));
    self[n] = 0;
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = 0;
    }
    snprintf(path, sizeof path, "%s/lib/popcorn/popcorn.cfg", self);
    if (access(path, R_OK))
        die(path, strerror(errno));
    snprintf(option, sizeof option, "--config=%s", path);
    return option;
}

static pid_t start_preprocessor(char **argv, char *file, int output) {
    pid_t child = fork();
    if (child)
        return child;
    size_t count = 0, n = 0;
    while (argv[count])
        count++;
    char **words = malloc((count + 8) * sizeof *words);
    if (!words)
        _exit(1);
    words[n++] = CLANG;
    words[n++] = config_option();
    for (char **word = argv + 1; *word; word++) {
        bool wanted = in(for_preprocessor, *word), value = in(with_value, *word) && word[1];
        if (wanted)
            words[n++] = *word;
        if (value && *++word && wanted)
            words[n++] = *word;
    }
    words[n++] = "-E";
    words[n++] = "-P";
    words[n++] = file;
    words[n] = NULL;
    dup2(output, STDOUT_FILENO);
    close(STDERR_FILENO); /* what is wrong with the file, clang says when it assembles it */
    execvp(CLANG, words);
    _exit(1);
}

/* A line of assembly that makes no code and no data: a mark for the linker. */
static bool is_mark(const char *line) {
    static const char section[] = ".section";
    line += strspn(line, " \t\n");
    if (strncmp(line, section, strlen(section)))
        return !*line;
    line += strlen(section);
    return !strncmp(line + strspn(line, " \t"), ".note.", 6);
}

/* Whether nothing is left of a file of assembly for the common target: all of it was for some ISAs by name.
 */
static bool leaves_nothing(char **argv, char *file) {
    int ends[2];
    if (pipe(ends))
        die(file, strerror(errno));
    pid_t child = start_preprocessor(argv, file, ends[1]);
    close(ends[1]);
    FILE *output = fdopen(ends[0], "r");
    if (child < 0 || !output)
        die(file, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    bool nothing = true;
    while (getline(&line, &room, output) >= 0)
        nothing &= is_mark(line);
    free(line);
    fclose(output);
    int status;
    return waitpid(child, &status, 0) == child && !status && nothing;
}

static void refuse_language(char *word, char **argv) {
    const char *ending = strrchr(word, '.');
    if (word[0] == '-' || !ending)
        return;
    if (in(cplusplus, ending))
        die(word, "C++ is not supported");
    if (in(assembly, ending) && !(in(preprocessed_assembly, ending) && leaves_nothing(argv, word)))
        die(word, "assembly is one ISA's; use C");
}

static void refuse_language_name(const char *name) {
    if (!strncmp(name, "c++", 3))
        die("-x c++", "C++ is not supported");
    if (!strncmp(name, "assembler", 9))
        die("-x assembler", "assembly is one ISA's; use C");
}

/* Once, as the others would say the same. */
static void note_level(const char *word) {
    static bool noted;
    if (!noted && !in(baseline, word))
        fprintf(stderr, "popcorn-clang: note: %s has no effect: code is for each ISA's baseline\n", word);
    noted |= !in(baseline, word);
}

/* Text, and bitcode that is asked for by name, is what it is; an object is an ELF file that holds bitcode. */
static bool wants_objects(char *const *words) {
    static const char *const other[] = {"-S", "-emit-llvm", "-fno-fat-lto-objects", NULL};
    for (; *words; words++)
        if (in(other, *words))
            return false;
    return true;
}

/* -fno-… as the linker takes it. */
static char *linker_option(const char *word) {
    static const char prefix[] = "--popcorn-";
    char *option = malloc(sizeof prefix + strlen(word));
    if (!option)
        die("cannot start", "out of memory");
    strcpy(option, prefix);
    strcat(option, word + strlen("-f"));
    return option;
}

int main(int argc, char **argv) {
    char **words = malloc(((size_t)argc * 3 + 8) * sizeof *words);
    size_t n = 0;
    if (!words)
        die("cannot start", "out of memory");
    words[n++] = CLANG;
    words[n++] = config_option();
    if (wants_objects(argv))
        words[n++] = "-ffat-lto-objects";
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        refuse(word);
        refuse_language(word, argv);
        if (in(for_linker, word)) {
            words[n++] = "-Xlinker";
            words[n++] = word;
        } else if (!strcmp(word, "-rdynamic")) { /* clang ignores it for a static program */
            words[n++] = "-Xlinker";
            words[n++] = "--export-dynamic";
        } else if (in(with_value, word) && i + 1 < argc) {
            if (!strcmp(word, "-x"))
                refuse_language_name(argv[i + 1]);
            words[n++] = word;
            words[n++] = argv[++i];
        } else if (in(levels, word)) {
            note_level(word);
        } else if (!in(dropped, word)) {
            if (in(for_both, word)) {
                words[n++] = "-Xlinker";
                words[n++] = linker_option(word);
            }
            words[n++] = word;
        }
    }
    words[n] = NULL;
    execvp(CLANG, words);
    if (errno == ENOENT)
        die(CLANG " not found", "is it installed (Debian package clang-19)?");
    die(CLANG, strerror(errno));
}
