/* SPDX-License-Identifier: MIT */
#include "inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "buffer.h"
#include "die.h"
#include "elf_image.h"
#include "work.h"

#define SECTION_BITCODE ".llvm.lto"

static bool is_elf(const struct file_bytes *f) {
    return f->size >= SELFMAG && !memcmp(f->bytes, ELFMAG, SELFMAG);
}

static bool is_bitcode(const struct file_bytes *f) {
    static const uint8_t raw[4] = {'B', 'C', 0xc0, 0xde}, wrapped[4] = {0xde, 0xc0, 0x17, 0x0b};
    return f->size >= 4 && (!memcmp(f->bytes, raw, 4) || !memcmp(f->bytes, wrapped, 4));
}

/* The bitcode in an object file; false if it has none. */
static bool find_bitcode(const char *name, const struct file_bytes *f, struct file_bytes *bitcode) {
    struct elf_image image;
    struct elf_section section;
    struct popcorn_error error;
    *bitcode = *f;
    if (is_bitcode(f))
        return true;
    if (!is_elf(f) || !elf_image_memory(&image, f->bytes, f->size, name, &error))
        return false;
    bool found = elf_section_find(&image, SECTION_BITCODE, &section) && section.bytes;
    if (found)
        *bitcode = (struct file_bytes){(uint8_t *)section.bytes, section.header.sh_size};
    elf_image_close(&image);
    return found && is_bitcode(bitcode);
}

/*
 * An object for the common target without code, data or symbols: what popcorn-clang makes of a file of
 * assembly that is for some ISAs by name.
 */
static bool is_empty_object(const char *name, const struct file_bytes *f) {
    struct elf_image image;
    struct elf_section section;
    struct elf_symbols symbols;
    struct popcorn_error error;
    if (!is_elf(f) || !elf_image_memory(&image, f->bytes, f->size, name, &error))
        return false;
    bool empty = image.machine == EM_RISCV && f->bytes[16] == ET_REL;
    for (size_t i = 1; empty && elf_section_at(&image, i, &section); i++)
        empty = !(section.header.sh_flags & SHF_ALLOC) || !section.header.sh_size;
    elf_symbols_open(&image, &symbols);
    for (size_t i = 1; empty && i < symbols.count; i++) {
        GElf_Sym symbol;
        elf_symbol_at(&image, &symbols, i, &symbol);
        empty = GELF_ST_BIND(symbol.st_info) == STB_LOCAL;
    }
    elf_image_close(&image);
    return empty;
}

static void check_object(const char *name, const struct file_bytes *f) {
    struct file_bytes bitcode;
    if (find_bitcode(name, f, &bitcode) || is_empty_object(name, f))
        return;
    if (!is_elf(f))
        die("%s: neither an object file made by popcorn-clang nor an archive", name);
    bool shared = f->size > 16 && f->bytes[16] == ET_DYN;
    if (shared)
        die("%s: is a shared library; a popcorn program is linked statically, from archives (.a)", name);
    die("%s: holds native code of one ISA; compile it from C source with popcorn-clang", name);
}

static void check_member(const char *name, const struct file_bytes *member, void *archive) {
    char *full = must_format("%s(%s)", (const char *)archive, name);
    check_object(full, member);
    free(full);
}

static void check_file(const char *path) {
    struct file_bytes f;
    if (!file_map(path, &f))
        die("%s: %s", path, strerror(errno));
    if (!is_archive(&f))
        check_object(path, &f);
    else if (!archive_walk(path, &f, check_member, (void *)path))
        die("%s: damaged archive", path);
    file_unmap(&f);
}

/* lld says itself when a library is not found; here only what it would find is looked at. */
static void check_library(const struct arguments *a, const char *name) {
    for (size_t i = 0; i < a->search.count; i++) {
        const char *folder = a->search.item[i];
        char *path =
            name[0] == ':' ? must_format("%s/%s", folder, name + 1) : must_format("%s/lib%s.a", folder, name);
        bool found = !access(path, R_OK);
        if (found)
            check_file(path);
        free(path);
        if (found)
            return;
    }
}

void inputs_check(const struct arguments *a) {
    if (!a->inputs.count)
        die("no input files");
    for (size_t i = 0; i < a->inputs.count; i++)
        check_file(a->inputs.item[i]);
    for (size_t i = 0; i < a->libraries.count; i++)
        check_library(a, a->libraries.item[i]);
}

static void extract_object(const char *name, const struct file_bytes *f, void *data) {
    struct list *extracted = data;
    struct file_bytes bitcode;
    if (!find_bitcode(name, f, &bitcode))
        return;
    const char *path = work_file(must_format("input.%zu.bc", extracted->count));
    work_write(path, bitcode.bytes, bitcode.size);
    list_add(extracted, path);
}

struct list inputs_extract(const struct arguments *a) {
    struct list extracted = {0};
    for (size_t i = 0; i < a->inputs.count; i++) {
        const char *path = a->inputs.item[i];
        struct file_bytes f;
        if (!file_map(path, &f))
            die("%s: %s", path, strerror(errno));
        if (!is_archive(&f))
            extract_object(path, &f, &extracted);
        else if (!archive_walk(path, &f, extract_object, &extracted))
            die("%s: damaged archive", path);
        file_unmap(&f);
    }
    return extracted;
}

struct name_lists {
    struct list *defined, *undefined;
};

static void add_names(const char *name, const struct file_bytes *member, void *data) {
    struct name_lists *lists = data;
    struct elf_image image;
    struct elf_symbols symbols;
    struct popcorn_error error;
    if (!elf_image_memory(&image, member->bytes, member->size, name, &error))
        return;
    elf_symbols_open(&image, &symbols);
    for (size_t i = 1; i < symbols.count; i++) {
        GElf_Sym symbol;
        const char *text = elf_symbol_at(&image, &symbols, i, &symbol);
        if (!*text || GELF_ST_BIND(symbol.st_info) == STB_LOCAL)
            continue;
        list_add(symbol.st_shndx == SHN_UNDEF ? lists->undefined : lists->defined, must_strdup(text));
    }
    elf_image_close(&image);
}

void inputs_names(const char *archive, struct list *defined, struct list *undefined) {
    struct name_lists lists = {defined, undefined};
    struct file_bytes f;
    if (!file_map(archive, &f))
        die("%s: %s", archive, strerror(errno));
    if (!is_archive(&f) || !archive_walk(archive, &f, add_names, &lists))
        die("%s: damaged archive", archive);
    file_unmap(&f);
}
