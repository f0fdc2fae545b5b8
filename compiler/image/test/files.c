/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "popcorn/abi.h"
#include "sites_build.h"

static struct buffer read_file(const char *path) {
    struct buffer contents = {0};
    char part[4096];
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buffer_put(&contents, part, n);
    fclose(f);
    return contents;
}

struct buffer test_file(const char *isa, const char *what) {
    return read_file(must_format("%s/%s.%s", TEST_FILES, isa, what));
}

struct elf_image test_image(const char *isa, const char *what) {
    struct buffer contents = test_file(isa, what);
    struct elf_image image;
    struct popcorn_error error;
    cr_assert(elf_image_memory(&image, contents.bytes, contents.size, what, &error), "%s", error.text);
    return image;
}

struct buffer test_table(const char *isa, const char *program) {
    struct elf_image image = test_image(isa, program);
    struct buffer table = {0};
    struct popcorn_error error;
    cr_assert(sites_build(&image, POPCORN_TEXT_BASE, &table, &error), "%s: %s", isa, error.text);
    elf_image_close(&image);
    return table;
}

struct buffer test_final(const char *isa) {
    struct buffer table = test_table(isa, "statepoint.elf");
    char table_path[] = "/tmp/popcorn-table-XXXXXX", path[] = "/tmp/popcorn-final-XXXXXX";
    int table_fd = mkstemp(table_path), fd = mkstemp(path);
    cr_assert(table_fd >= 0 && fd >= 0 && write(table_fd, table.bytes, table.size) == (ssize_t)table.size);
    close(table_fd);
    close(fd);
    char *command = must_format("llvm-objcopy-19 --add-section "
                                ".popcorn.sites=%s %s/%s.statepoint.elf %s"
                                " && llvm-objcopy-19 --set-section-alignment .popcorn.sites=8 %s",
                                table_path, TEST_FILES, isa, path, path);
    cr_assert(system(command) == 0);
    struct buffer final = read_file(path);
    unlink(table_path);
    unlink(path);
    free(command);
    buffer_free(&table);
    return final;
}
