/* SPDX-License-Identifier: MIT */
/* One file with several images: written, found again, and any damage noticed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "container_unpack.h"
#include "container_write.h"
#include "files.h"
#include "popcorn/abi.h"
#include "popcorn/container.h"

static long read_bytes(void *file, void *into, size_t size, uint64_t offset) {
    const struct buffer *b = file;
    if (offset >= b->size)
        return 0;
    size_t n = b->size - offset < size ? b->size - (size_t)offset : size;
    memcpy(into, b->bytes + offset, n);
    return (long)n;
}

static struct buffer make_program(struct buffer *parts) {
    struct container_image images[TEST_ISAS];
    struct popcorn_error error;
    struct buffer out = {0};
    for (int i = 0; i < TEST_ISAS; i++) {
        parts[i] = test_final(test_isas[i]);
        images[i] = (struct container_image){test_isas[i], parts[i].bytes, parts[i].size};
    }
    cr_assert(container_write(images, TEST_ISAS, CONTAINER_SMALL, &out, &error), "%s", error.text);
    return out;
}

static bool is_whole(struct buffer *program) {
    struct popcorn_container c;
    if (popcorn_container_open(&c, read_bytes, program) != POPCORN_CONTAINER_GOOD)
        return false;
    for (unsigned i = 0; i < c.manifest.count; i++)
        if (!popcorn_container_check(&c, i))
            return false;
    return true;
}

Test(container, images_come_out_as_they_went_in) {
    struct buffer parts[TEST_ISAS], program = make_program(parts);
    struct popcorn_container c;
    cr_assert_eq(popcorn_container_open(&c, read_bytes, &program), POPCORN_CONTAINER_GOOD);
    cr_assert_eq(c.manifest.count, TEST_ISAS);
    for (int i = 0; i < TEST_ISAS; i++) {
        cr_expect_eq(popcorn_container_find(&c, test_isas[i]), i);
        cr_expect(popcorn_container_check(&c, (unsigned)i));
        cr_expect_eq(c.manifest.image[i].sites, 3);
        if (i) {
            struct buffer image = {0};
            struct popcorn_error error;
            cr_assert(container_unpack(&c, (unsigned)i, &image, &error), "%s", error.text);
            cr_expect_eq(c.manifest.image[i].size, parts[i].size);
            cr_expect_lt(c.manifest.image[i].stored, parts[i].size);
            cr_expect_eq(image.size, parts[i].size);
            cr_expect(!memcmp(image.bytes, parts[i].bytes, parts[i].size));
            buffer_free(&image);
        }
    }
    cr_expect_eq(popcorn_container_find(&c, "vax"), -1);
}

Test(container, is_still_an_elf_file_with_its_sections) {
    struct buffer parts[TEST_ISAS], program = make_program(parts);
    struct elf_image image;
    struct elf_section s;
    struct popcorn_error error;
    GElf_Sym symbol;
    cr_assert(elf_image_memory(&image, program.bytes, program.size, "program", &error), "%s", error.text);
    cr_expect(elf_section_find(&image, ".text", &s));
    cr_expect(elf_section_find(&image, ".popcorn.image.riscv64", &s));
    cr_expect(!(s.header.sh_flags & SHF_ALLOC));
    cr_expect(elf_section_find(&image, POPCORN_SECTION_MANIFEST, &s));
    cr_expect(elf_symbol_find(&image, "portable", &symbol));
}

Test(container, what_is_no_program_is_told_from_what_is_damaged) {
    struct buffer parts[TEST_ISAS], program = make_program(parts),
                                    plain = test_file("x86_64", "statepoint.elf"), text = {0};
    struct popcorn_container c;
    buffer_put(&text, "#!/bin/sh\n", 10);
    cr_expect_eq(popcorn_container_open(&c, read_bytes, &plain), POPCORN_CONTAINER_FOREIGN);
    cr_expect_eq(popcorn_container_open(&c, read_bytes, &text), POPCORN_CONTAINER_FOREIGN);
    program.size -= 1;
    cr_expect_eq(popcorn_container_open(&c, read_bytes, &program), POPCORN_CONTAINER_DAMAGED);
}

Test(container, a_program_of_another_version_is_told_from_what_is_damaged) {
    struct buffer parts[TEST_ISAS], program = make_program(parts);
    struct elf_image image;
    struct elf_section s;
    struct popcorn_error error;
    struct popcorn_container c;
    cr_assert(elf_image_memory(&image, program.bytes, program.size, "program", &error));
    cr_assert(elf_section_find(&image, POPCORN_SECTION_MANIFEST, &s));
    program.bytes[s.header.sh_offset + offsetof(struct popcorn_manifest, version)] = 1;
    cr_expect_eq(popcorn_container_open(&c, read_bytes, &program), POPCORN_CONTAINER_OTHER);
}

Test(container, every_truncation_is_noticed) {
    struct buffer parts[TEST_ISAS], program = make_program(parts);
    for (size_t n = program.size; n-- > 0;) {
        program.size = n;
        cr_assert(!is_whole(&program), "cut to %zu bytes", n);
        n -= n > 16 ? 16 : 0;
    }
}

/* Nobody runs what is between the sections or what only debuggers read, so that may change. */
static bool matters(const struct elf_image *image, size_t offset) {
    struct elf_section s;
    for (size_t i = 1; elf_section_at(image, i, &s); i++)
        if (offset >= s.header.sh_offset && offset < s.header.sh_offset + s.header.sh_size &&
            s.header.sh_type != SHT_NOBITS &&
            ((s.header.sh_flags & SHF_ALLOC) || !strncmp(s.name, ".popcorn", 8)))
            return strcmp(s.name, POPCORN_SECTION_SITES) || (s.header.sh_flags & SHF_ALLOC);
    return offset < sizeof(Elf64_Ehdr) && offset >= 16 && offset < 40;
}

Test(container, every_alteration_is_noticed) {
    struct buffer parts[TEST_ISAS], program = make_program(parts), copy = {0};
    struct elf_image image;
    struct popcorn_error error;
    buffer_put(&copy, program.bytes, program.size);
    cr_assert(elf_image_memory(&image, copy.bytes, copy.size, "program", &error));
    cr_assert(is_whole(&program));
    for (size_t i = 0; i < program.size; i += 5) {
        if (!matters(&image, i))
            continue;
        program.bytes[i] ^= 0x10;
        cr_assert(!is_whole(&program), "altered at %zu", i);
        program.bytes[i] ^= 0x10;
    }
}

/* A manifest whose hashes are right, but that tells lies of what comes out of an image. */
Test(container, images_of_another_size_are_refused) {
    struct buffer parts[TEST_ISAS], program = make_program(parts);
    struct popcorn_container c;
    static const uint64_t sizes[] = {0, 1, POPCORN_IMAGE_MOST};
    cr_assert_eq(popcorn_container_open(&c, read_bytes, &program), POPCORN_CONTAINER_GOOD);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buffer image = {0};
        struct popcorn_error error;
        c.manifest.image[1].size = sizes[i];
        cr_expect(!container_unpack(&c, 1, &image, &error));
        cr_expect(strstr(error.text, "cut or changed"));
        cr_expect_eq(image.size, 0);
    }
}

Test(container, survives_gnu_strip) {
    struct buffer parts[TEST_ISAS], program = make_program(parts), stripped = {0};
    char path[] = "/tmp/popcorn-strip-XXXXXX", part[4096];
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w+");
    fwrite(program.bytes, 1, program.size, f);
    fclose(f);
    char *command = must_format("strip %s", path);
    cr_assert(system(command) == 0);
    f = fopen(path, "r");
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buffer_put(&stripped, part, n);
    fclose(f);
    remove(path);
    cr_expect(is_whole(&stripped));
}

static void open_finals(struct compared_image *images, struct buffer *parts) {
    struct popcorn_error error;
    for (int i = 0; i < TEST_ISAS; i++) {
        parts[i] = test_final(test_isas[i]);
        images[i].name = test_isas[i];
        cr_assert(elf_image_memory(&images[i].elf, parts[i].bytes, parts[i].size, images[i].name, &error));
    }
}

Test(compare, images_of_one_program_match) {
    struct compared_image images[TEST_ISAS];
    struct buffer parts[TEST_ISAS];
    struct popcorn_error error;
    open_finals(images, parts);
    cr_expect(images_compare(images, TEST_ISAS, TEST_TEXT, TEST_TEXT + 0x100, &error), "%s", error.text);
}

Test(compare, different_data_is_a_mismatch) {
    for (int which = 0; which < 2; which++) {
        struct compared_image images[TEST_ISAS];
        struct buffer parts[TEST_ISAS];
        struct elf_section s;
        struct popcorn_error error;
        open_finals(images, parts);
        cr_assert(elf_section_find(&images[2].elf, which ? ".popcorn.data" : ".popcorn.rodata", &s));
        parts[2].bytes[s.header.sh_offset] ^= 1;
        cr_expect(!images_compare(images, TEST_ISAS, TEST_TEXT, TEST_TEXT + 0x100, &error));
        cr_expect(strstr(error.text, "riscv64"));
    }
}

/* The functions behind the portable ones are wherever they fit. */
Test(compare, moved_names_are_a_mismatch) {
    struct compared_image images[TEST_ISAS];
    struct buffer parts[TEST_ISAS];
    struct popcorn_error error;
    open_finals(images, parts);
    cr_expect(!images_compare(images, TEST_ISAS, TEST_TEXT, TEST_TEXT + 0x100000, &error));
}
