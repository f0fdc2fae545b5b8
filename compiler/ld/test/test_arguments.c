/* SPDX-License-Identifier: MIT */
/* The command line, as compiler drivers and build systems write it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "arguments.h"
#include "die.h"

enum { MOST_WORDS = 32 };

/* Reads a line split at blanks. */
static struct arguments read_line(const char *line) {
    static char copy[1024];
    static char *words[MOST_WORDS];
    struct arguments a;
    int n = 0;
    strncpy(copy, line, sizeof copy - 1);
    words[n++] = "popcorn-ld";
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[n++] = word;
    arguments_read(&a, n, words);
    return a;
}

Test(arguments, clangs_own_line) {
    struct arguments a =
        read_line("--sysroot=/s --hash-style=gnu --build-id --eh-frame-hdr -m elf64lriscv -X -static "
                  "-o prog /s/lib/crt1.o crti.o crtbeginT.o -L/s/lib -plugin-opt=mcpu=generic-rv64 "
                  "-plugin-opt=O3 main.o -lm --start-group -lgcc -lgcc_eh -lc --end-group crtend.o "
                  "crtn.o");
    cr_expect_str_eq(a.output, "prog");
    cr_expect_str_eq(a.optimise, "3");
    cr_expect_eq(a.inputs.count, 2);
    cr_expect_str_eq(a.inputs.item[0], "/s/lib/crt1.o");
    cr_expect_str_eq(a.inputs.item[1], "main.o");
    cr_expect(list_has(&a.libraries, "c") && list_has(&a.libraries, "m") && !list_has(&a.libraries, "gcc"));
    cr_expect(list_has(&a.resolve, "--start-group") && list_has(&a.resolve, "-L/s/lib"));
    cr_expect(!list_has(&a.resolve, "elf64lriscv"));
    cr_expect(a.migration && a.mode == LINK_PROGRAM);
}

Test(arguments, values_joined_or_apart) {
    struct arguments a = read_line("-oone -Lx -L y -l m -u name -uother --undefined=third -Map=m.txt a.o");
    cr_expect_str_eq(a.output, "one");
    cr_expect_eq(a.search.count, 2);
    cr_expect(list_has(&a.keep, "name") && list_has(&a.keep, "other") && list_has(&a.keep, "third"));
    cr_expect_str_eq(a.map, "m.txt");
    cr_expect_eq(a.inputs.count, 1);
}

Test(arguments, long_names_are_no_letters) {
    struct arguments a =
        read_line("-soname libx.so -export-dynamic -rpath /usr/lib -dynamic-linker /lib/ld.so "
                  "-z now -O1 --gc-sections --as-needed a.o");
    cr_expect(!a.strip_all);
    cr_expect_eq(a.inputs.count, 1);
    cr_expect_eq(a.resolve.count, 2); /* the file and -export-dynamic */
}

Test(arguments, operands_of_defsym_keep_their_names) {
    struct arguments a = read_line("--defsym=alias=target+8 a.o");
    cr_expect(list_has(&a.keep, "alias") && list_has(&a.keep, "target"));
    cr_expect(list_has(&a.image, "--defsym=alias=target+8"));
}

Test(arguments, native_isa_goes_first) {
    struct utsname host;
    uname(&host);
    struct arguments a = read_line("--popcorn-isas=riscv64,aarch64,x86_64 a.o");
    cr_expect_eq(a.isas.count, 3);
    cr_expect_str_eq(a.isas.item[0], host.machine);
    a = read_line("--popcorn-isas=riscv64,riscv64 a.o");
    cr_expect_eq(a.isas.count, 1);
}

Test(arguments, native_is_this_machines_isa) {
    struct utsname host;
    uname(&host);
    struct arguments a = read_line("--popcorn-isas=native a.o");
    cr_assert_eq(a.isas.count, 1);
    cr_expect_str_eq(a.isas.item[0], host.machine);
    a = read_line("--popcorn-isas=native,riscv64,aarch64,x86_64 a.o");
    cr_expect_eq(a.isas.count, 3);
}

Test(arguments, exported_names_are_for_lld) {
    struct arguments a = read_line("-export-dynamic --dynamic-list=names --export-dynamic-symbol=f a.o");
    cr_expect(list_has(&a.resolve, "--export-dynamic") && list_has(&a.resolve, "--dynamic-list=names") &&
              list_has(&a.resolve, "--export-dynamic-symbol=f"));
}

Test(arguments, llvms_options_are_the_optimisers) {
    struct arguments a = read_line("-mllvm -unroll-count=3 -mllvm=-other --popcorn-time a.o");
    cr_assert_eq(a.llvm.count, 2);
    cr_expect_str_eq(a.llvm.item[0], "-unroll-count=3");
    cr_expect_str_eq(a.llvm.item[1], "-other");
    cr_expect(a.show_time && a.resolve.count == 1);
}

Test(arguments, levels_bring_their_isa) {
    struct arguments a = read_line("--popcorn-isas=x86_64-v3,aarch64,x86_64 a.o");
    cr_expect_eq(a.isas.count, 2);
    cr_assert_eq(a.levels.count, 1);
    cr_expect_str_eq(a.levels.item[0], "x86_64-v3");
    cr_expect_eq(read_line("--popcorn-isas=x86_64 a.o").levels.count, 0);
    cr_expect_eq(read_line("a.o").levels.count, 1);
}

Test(arguments, all_isas_by_default) {
    cr_expect_eq(read_line("a.o").isas.count, 3);
}

Test(arguments, response_files) {
    char path[] = "/tmp/popcorn-response-XXXXXX";
    int fd = mkstemp(path);
    dprintf(fd, "-o 'a b' \"c\\\"d.o\"\n e\\ f.o\n");
    close(fd);
    char line[64];
    snprintf(line, sizeof line, "@%s", path);
    struct arguments a = read_line(line);
    unlink(path);
    cr_expect_str_eq(a.output, "a b");
    cr_assert_eq(a.inputs.count, 2);
    cr_expect_str_eq(a.inputs.item[0], "c\"d.o");
    cr_expect_str_eq(a.inputs.item[1], "e f.o");
}

/* Each of these ends the program with one line and status 1. */
#define REFUSED(name, line)                                                                                  \
    Test(refused, name, .exit_code = EXIT_QUIETLY) {                                                         \
        read_line(line);                                                                                     \
    }

REFUSED(unknown_isa, "--popcorn-isas=x86_64,vax a.o")
REFUSED(unknown_level, "--popcorn-isas=x86_64-v9 a.o")
REFUSED(empty_isa, "--popcorn-isas= a.o")
REFUSED(shared, "-shared a.o")
REFUSED(own_script, "-T my.ld a.o")
REFUSED(unknown_option, "--no-such-option a.o")
REFUSED(missing_value, "a.o -o")
REFUSED(other_entry, "-e main a.o")
