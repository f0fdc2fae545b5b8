/* SPDX-License-Identifier: MIT */
/* What a call site may name: a closed list for each ISA. */
#include <criterion/criterion.h>
#include <string.h>

#include "files.h"
#include "popcorn/abi.h"
#include "popcorn/sites.h"
#include "registers.h"
#include "sites_build.h"

/* LLVM's layout of a record: its head, three constants (calling convention first), then the values. */
enum { RECORD_HEAD = 16, LOCATION = 12, FIRST_VALUE = 3, PRESERVE_MOST = 14 };
enum { IN_REGISTER = 1, DIRECT, INDIRECT };

/* The n-th location of the record of site 1. */
static uint8_t *location(const struct elf_image *image, unsigned n) {
    struct elf_section s;
    uint64_t id = POPCORN_ID(1, 0);
    cr_assert(elf_section_find(image, ".llvm_stackmaps", &s));
    for (size_t at = 0; at + RECORD_HEAD <= s.header.sh_size; at += 8)
        if (!memcmp(s.bytes + at, &id, sizeof id))
            return (uint8_t *)s.bytes + at + RECORD_HEAD + n * LOCATION;
    cr_assert(false, "no record of site 1");
    return NULL;
}

static void set_location(const struct elf_image *image, uint8_t kind, uint16_t reg, int32_t offset) {
    uint8_t *l = location(image, FIRST_VALUE);
    l[0] = kind;
    memcpy(l + 2, &(uint16_t){8}, 2);
    memcpy(l + 4, &reg, sizeof reg);
    memcpy(l + 8, &offset, sizeof offset);
}

static bool builds(const struct elf_image *image, struct popcorn_location *first,
                   struct popcorn_error *error) {
    struct buffer table = {0};
    struct popcorn_sites sites;
    struct popcorn_site s;
    uint32_t place[16];
    bool good = sites_build(image, POPCORN_TEXT_BASE, &table, error);
    if (good)
        cr_assert(popcorn_sites_open(&sites, table.bytes, table.size) &&
                  popcorn_sites_begin(&sites, 0, place, &s) && popcorn_site_location(&s, 0, first));
    buffer_free(&table);
    return good;
}

Test(registers, zero_register_is_the_constant) {
    for (int i = 0; i < TEST_ISAS; i++) {
        struct elf_image image = test_image(test_isas[i], "zero.elf");
        struct popcorn_location first;
        struct popcorn_error error;
        uint8_t zero = registers_of(image.machine)->zero, *l = location(&image, FIRST_VALUE);
        cr_assert(builds(&image, &first, &error), "%s", error.text);
        if (zero != MACHINE_NO_REGISTER) {
            cr_expect(l[0] == IN_REGISTER && l[4] == zero, "%s: LLVM does otherwise now", test_isas[i]);
            cr_expect(first.kind == POPCORN_CONSTANT && first.reg == 0 && first.offset == 0);
        }
        elf_image_close(&image);
    }
}

Test(registers, values_are_in_registers_that_calls_keep) {
    static const unsigned kept[TEST_ISAS] = {6, 19, 24}, at_point[TEST_ISAS] = {8, 7, 0};
    for (int i = 0; i < TEST_ISAS; i++) {
        struct elf_image image = test_image(test_isas[i], "zero.elf");
        const struct machine_registers *r = registers_of(image.machine);
        struct popcorn_location first;
        struct popcorn_error error;
        unsigned found = 0, found_at_point = 0;
        for (uint16_t reg = 0; reg < 300; reg++) {
            if (reg == r->zero)
                continue;
            set_location(&image, IN_REGISTER, reg, 0);
            memcpy(location(&image, 0) + 8, &(int32_t){0}, 4);
            bool good = builds(&image, &first, &error);
            cr_expect_eq(good, registers_kept(r, reg, false));
            cr_expect(!good || (first.kind == POPCORN_IN_REGISTER && first.reg == reg));
            cr_expect(good || (strstr(error.text, "'wide'") && strstr(error.text, "call site 1")), "%s",
                      error.text);
            found += good;
            memcpy(location(&image, 0) + 8, &(int32_t){PRESERVE_MOST}, 4);
            found_at_point += builds(&image, &first, &error);
        }
        cr_expect_eq(found, kept[i], "%s: %u", test_isas[i], found);
        cr_expect_eq(found_at_point, kept[i] + at_point[i], "%s: %u", test_isas[i], found_at_point);
        elf_image_close(&image);
    }
}

Test(registers, a_part_of_a_register_is_refused) {
    for (int i = 0; i < TEST_ISAS; i++) {
        struct elf_image image = test_image(test_isas[i], "zero.elf");
        const struct machine_registers *r = registers_of(image.machine);
        struct popcorn_location first;
        struct popcorn_error error;
        set_location(&image, IN_REGISTER, r->kept[0], 8); /* such as %bh */
        cr_expect(!builds(&image, &first, &error));
        if (r->zero != MACHINE_NO_REGISTER) {
            set_location(&image, IN_REGISTER, r->zero, 8);
            cr_expect(!builds(&image, &first, &error));
        }
        elf_image_close(&image);
    }
}

Test(registers, addresses_begin_at_the_stack_pointer_or_a_kept_register) {
    for (int i = 0; i < TEST_ISAS; i++) {
        struct elf_image image = test_image(test_isas[i], "zero.elf");
        const struct machine_registers *r = registers_of(image.machine);
        struct popcorn_location first;
        struct popcorn_error error;
        for (uint16_t reg = 0; reg < 300; reg++) {
            bool wanted = reg == r->stack_pointer || registers_kept(r, reg, false);
            set_location(&image, INDIRECT, reg, 16);
            cr_expect_eq(builds(&image, &first, &error), wanted);
            cr_expect(!wanted || (first.kind == POPCORN_AT_8 && first.reg == reg && first.offset == 16));
            set_location(&image, DIRECT, reg, 16);
            cr_expect_eq(builds(&image, &first, &error), wanted);
            cr_expect(!wanted || (first.kind == POPCORN_ADDRESS && first.reg == reg));
        }
        elf_image_close(&image);
    }
}
