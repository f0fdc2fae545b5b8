/* SPDX-License-Identifier: MIT */
/* One address for each portable function, and the script that puts it there. */
#include <criterion/criterion.h>
#include <string.h>

#include "files.h"
#include "layout.h"
#include "popcorn/abi.h"
#include "script.h"

static uint64_t size_of(const struct elf_image *object, const char *section) {
    struct elf_section s;
    cr_assert(elf_section_find(object, section, &s));
    return s.header.sh_size;
}

static void open_objects(struct elf_image *objects) {
    for (int i = 0; i < TEST_ISAS; i++)
        objects[i] = test_image(test_isas[i], "data.o");
}

Test(layout, every_isa_has_room) {
    static const char *const names[] = {".text.portable.0", ".text.portable.1", ".text.portable.2"};
    struct elf_image objects[TEST_ISAS];
    struct layout layout;
    struct popcorn_error error;
    open_objects(objects);
    cr_assert(layout_make(&layout, objects, TEST_ISAS, &error), "%s", error.text);
    cr_assert_eq(layout.count, 3);
    for (size_t n = 0; n < layout.count; n++) {
        uint64_t next = n + 1 < layout.count ? layout.offset[n + 1] : layout.end;
        cr_expect_eq(layout.offset[n] % LAYOUT_FUNCTION_ALIGN, 0);
        for (int i = 0; i < TEST_ISAS; i++)
            cr_expect_leq(layout.offset[n] + size_of(&objects[i], names[n]), next);
    }
    cr_expect_eq(layout.offset[2] % 64, 0);
    layout_free(&layout);
}

Test(layout, a_function_missing_somewhere_is_an_error) {
    struct elf_image objects[2] = {test_image("x86_64", "data.o"), test_image("aarch64", "statepoint.o")};
    struct layout layout;
    struct popcorn_error error;
    cr_expect(!layout_make(&layout, objects, 2, &error));
    cr_expect(strstr(error.text, "portable function"));
}

Test(layout, data_of_one_isa_is_an_error) {
    struct elf_image object = test_image("x86_64", "data.o");
    struct elf_section s;
    struct layout layout;
    struct popcorn_error error;
    cr_assert(elf_section_find(&object, ".popcorn.data", &s));
    memcpy((char *)s.name, ".private.data", sizeof ".popcorn.data");
    cr_expect(!layout_make(&layout, &object, 1, &error));
    cr_expect(strstr(error.text, ".private.data"));
}

Test(script, places_functions_and_table) {
    struct elf_image objects[TEST_ISAS];
    struct layout layout;
    struct popcorn_error error;
    struct buffer first = {0}, final = {0};
    open_objects(objects);
    cr_assert(layout_make(&layout, objects, TEST_ISAS, &error));
    script_write(&first, &layout, NULL);
    script_write(&final, &layout, "/somewhere/x86_64.sites");
    buffer_put(&first, "", 1);
    buffer_put(&final, "", 1);
    char *place = must_format(". = 0x%lx; KEEP(*(.text.portable.1))", SCRIPT_TEXT_START + layout.offset[1]);
    cr_expect(strstr((char *)first.bytes, place));
    cr_expect(strstr((char *)first.bytes, "KEEP(*(.llvm_stackmaps))"));
    cr_expect(strstr((char *) final.bytes, "/somewhere/x86_64.sites"));
    cr_expect(!strstr((char *) final.bytes, "KEEP(*(.llvm_stackmaps))"));
}

Test(script, knows_its_names) {
    cr_expect(script_defines("__popcorn_data_start"));
    cr_expect(!script_defines("main"));
}
