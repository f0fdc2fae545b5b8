/* SPDX-License-Identifier: MIT */
/* The call-site table: building it out of real code of all ISAs, and reading it whatever it contains. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "popcorn/sites.h"
#include "registers.h"

static const unsigned stack_pointer[TEST_ISAS] = {7, 31, 2}, return_address[TEST_ISAS] = {16, 30, 1};

static struct popcorn_sites open_table(const struct buffer *b) {
    struct popcorn_sites table;
    cr_assert(popcorn_sites_open(&table, b->bytes, b->size));
    return table;
}

static uint32_t place[16];

static struct popcorn_site site_number(const struct popcorn_sites *table, uint32_t number) {
    struct popcorn_site s;
    bool good = popcorn_sites_begin(table, 0, place, &s);
    while (good && s.site != number && s.index + 1 < table->count)
        good = popcorn_sites_next(&s);
    cr_assert(good && s.site == number, "no site %u", number);
    return s;
}

Test(sites, leb128_goes_both_ways) {
    static const int64_t values[] = {0,   1,   -1,   63,      64,        -64,      -65,
                                     127, 128, 8191, 1 << 20, INT64_MAX, INT64_MIN};
    struct buffer b = {0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        buffer_put_sleb(&b, values[i]);
        buffer_put_uleb(&b, (uint64_t)values[i]);
    }
    struct popcorn_cursor c = {b.bytes, b.bytes + b.size, false};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        cr_expect_eq(popcorn_read_sleb(&c), values[i]);
        cr_expect_eq(popcorn_read_uleb(&c), (uint64_t)values[i]);
    }
    cr_expect(!c.bad && c.at == c.end);
    cr_expect_eq(popcorn_read_uleb(&c), 0);
    cr_expect(c.bad);
    buffer_free(&b);
}

Test(sites, table_has_every_call) {
    for (int i = 0; i < TEST_ISAS; i++) {
        struct buffer b = test_table(test_isas[i], "statepoint.elf");
        struct popcorn_sites table = open_table(&b);
        struct elf_image image = test_image(test_isas[i], "statepoint.elf");
        cr_expect_eq(table.count, 3);
        cr_expect_eq(table.machine, image.machine);
        cr_expect(popcorn_sites_verify(&table, registers_of(image.machine)->count, place));
        struct popcorn_live live;
        cr_assert(popcorn_live_open(&table, 1, &live));
        cr_expect_eq(popcorn_live_count(&live), 5);
        cr_assert(popcorn_live_open(&table, 2, &live));
        cr_expect_eq(popcorn_live_count(&live), 1);
        cr_expect(!popcorn_live_open(&table, POPCORN_SITE_LANDING, &live));
        cr_expect(!popcorn_live_open(&table, 3, &live));
        cr_expect(site_number(&table, 0).image);
        elf_image_close(&image);
        buffer_free(&b);
    }
}

Test(sites, return_addresses_are_found_and_no_others) {
    for (int i = 0; i < 2 * TEST_ISAS; i++) {
        struct buffer b = test_table(test_isas[i / 2], i % 2 ? "many.elf" : "statepoint.elf");
        struct popcorn_sites table = open_table(&b);
        struct popcorn_site s, found;
        uint32_t other_place[16];
        for (uint32_t k = 0; k < table.count; k++) {
            cr_assert(k ? popcorn_sites_next(&s) : popcorn_sites_begin(&table, 0, place, &s));
            cr_expect(popcorn_sites_find(&table, s.address, other_place, &found));
            cr_expect(found.index == k && found.address == s.address && found.site == s.site);
            cr_expect(!popcorn_sites_find(&table, s.address + 1, other_place, &found) && !found.entries.bad);
            cr_expect(!popcorn_sites_find(&table, s.address - 1, other_place, &found) && !found.entries.bad);
        }
        cr_expect(!popcorn_sites_find(&table, 0, place, &s));
        cr_expect(!popcorn_sites_find(&table, UINT64_MAX, place, &s));
        buffer_free(&b);
    }
}

Test(sites, locations_say_where_values_are) {
    for (int i = 0; i < TEST_ISAS; i++) {
        struct buffer b = test_table(test_isas[i], "statepoint.elf");
        struct popcorn_sites table = open_table(&b);
        struct popcorn_site s = site_number(&table, 1);
        struct popcorn_location l[5], image;
        for (uint32_t k = 0; k < 5; k++)
            cr_assert(popcorn_site_location(&s, k, &l[k]));
        for (int k = 0; k < 3; k++)
            cr_expect(l[k].kind <= POPCORN_AT_1);
        cr_expect(l[3].kind == POPCORN_CONSTANT && l[3].offset == -7);
        cr_expect(l[4].kind == POPCORN_CONSTANT && l[4].offset == 1311768467463790320);
        s = site_number(&table, 0);
        cr_assert(popcorn_site_location(&s, 0, &image));
        cr_expect(image.kind == POPCORN_ADDRESS && image.reg == stack_pointer[i]);
        buffer_free(&b);
    }
}

/* many.awk says which slots are live at a site, and what their values are. */
static void check_site(const struct popcorn_site *s) {
    for (uint32_t slot = 0; slot < 11; slot++) {
        struct popcorn_location l;
        bool live = popcorn_live_slot(&s->live, slot) == slot;
        cr_expect_eq(live, s->site * 37 >> slot & 1, "site %u, slot %u", s->site, slot);
        if (live)
            cr_expect(popcorn_site_location(s, slot, &l) && l.kind == POPCORN_CONSTANT &&
                          l.offset == 1000 * slot + s->site / (slot + 1),
                      "site %u, slot %u", s->site, slot);
    }
}

Test(sites, differences_between_neighbours_add_up) {
    for (int i = 0; i < TEST_ISAS; i++) {
        struct buffer b = test_table(test_isas[i], "many.elf");
        struct popcorn_sites table = open_table(&b);
        struct popcorn_site s, found;
        uint32_t other_place[16];
        cr_assert_eq(table.count, 300);
        cr_expect(popcorn_sites_verify(&table, 0, place));
        for (uint32_t k = 0; k < table.count; k++) {
            cr_assert(k ? popcorn_sites_next(&s) : popcorn_sites_begin(&table, 0, place, &s));
            cr_expect_eq(s.site, k < 200 ? k + 1 : 500 - k);
            check_site(&s);
            cr_assert(popcorn_sites_find(&table, s.address, other_place, &found));
            check_site(&found);
        }
        buffer_free(&b);
    }
}

Test(sites, rules_find_the_caller) {
    for (int i = 0; i < TEST_ISAS; i++) {
        struct buffer b = test_table(test_isas[i], "statepoint.elf");
        struct popcorn_sites table = open_table(&b);
        for (uint32_t number = 0; number < 3; number++) {
            struct popcorn_site s = site_number(&table, number);
            struct popcorn_rule rule;
            struct popcorn_saved saved;
            bool found = false;
            cr_assert(popcorn_rule_open(&table, s.rule, &rule));
            cr_expect(rule.cfa_reg == stack_pointer[i] && rule.cfa_offset > 0 && rule.cfa_offset % 8 == 0);
            for (uint32_t k = 0; k < rule.nsaved; k++) {
                cr_assert(popcorn_rule_next(&rule, &saved));
                cr_expect(saved.offset < 0 && -saved.offset <= rule.cfa_offset);
                found = found || saved.reg == return_address[i];
            }
            cr_expect(found);
        }
        buffer_free(&b);
    }
}

/* x86_64 has pushed six arguments when the second call is made, so its frame is larger there. */
Test(sites, pushed_arguments_count) {
    struct buffer b = test_table("x86_64", "statepoint.elf");
    struct popcorn_sites table = open_table(&b);
    struct popcorn_rule first, second;
    cr_assert(popcorn_rule_open(&table, site_number(&table, 1).rule, &first));
    cr_assert(popcorn_rule_open(&table, site_number(&table, 2).rule, &second));
    cr_expect_geq(second.cfa_offset, first.cfa_offset + 48);
    buffer_free(&b);
}

/* An exact copy, so that a sanitizer or the page behind notices reads beyond the end. */
static void read_damaged(const uint8_t *bytes, size_t size) {
    uint8_t *copy = must_alloc(size);
    struct popcorn_sites table;
    struct popcorn_site s;
    memcpy(copy, bytes, size);
    if (popcorn_sites_open(&table, copy, size)) {
        uint32_t *places = must_alloc(table.nslots * sizeof *places);
        uint32_t blocks = (table.count + POPCORN_SITES_BLOCK - 1) / POPCORN_SITES_BLOCK;
        popcorn_sites_verify(&table, 33, places);
        for (uint32_t i = 0; i < blocks; i++)
            popcorn_sites_find(&table, table.text_base + table.block[i].address + 8, places, &s);
        free(places);
    }
    free(copy);
}

Test(sites, truncated_tables_are_refused) {
    struct buffer b = test_table("x86_64", "statepoint.elf");
    struct popcorn_sites table = open_table(&b);
    size_t needed = (size_t)(table.blob + table.blob_size - b.bytes);
    for (size_t n = 0; n < needed; n++)
        cr_expect(!popcorn_sites_open(&table, b.bytes, n));
    cr_expect(popcorn_sites_open(&table, b.bytes, needed));
    buffer_free(&b);
}

Test(sites, unaligned_tables_are_refused) {
    struct buffer b = test_table("x86_64", "statepoint.elf");
    struct popcorn_sites table;
    uint8_t *moved = must_alloc(b.size + 4);
    memcpy(moved + 4, b.bytes, b.size);
    cr_expect(!popcorn_sites_open(&table, moved + 4, b.size));
    free(moved);
    buffer_free(&b);
}

Test(sites, altered_tables_are_read_safely) {
    struct buffer b = test_table("x86_64", "statepoint.elf");
    for (size_t i = 0; i < b.size; i++) {
        uint8_t old = b.bytes[i];
        for (unsigned value = 0; value < 256; value += 17) {
            b.bytes[i] = (uint8_t)(old ^ value);
            read_damaged(b.bytes, b.size);
        }
        b.bytes[i] = old;
    }
    buffer_free(&b);
}

Test(sites, large_altered_tables_are_read_safely) {
    struct buffer b = test_table("riscv64", "many.elf"), copy = {0};
    srandom(3);
    buffer_put(&copy, b.bytes, b.size);
    for (int round = 0; round < 5000; round++) {
        for (long n = random() % 4; n >= 0; n--)
            copy.bytes[(size_t)random() % b.size] = (uint8_t)random();
        read_damaged(copy.bytes, copy.size);
        memcpy(copy.bytes, b.bytes, b.size);
    }
    buffer_free(&copy);
    buffer_free(&b);
}

Test(sites, empty_table_finds_nothing) {
    struct popcorn_sites_header h = {.magic = POPCORN_SITES_MAGIC, .version = POPCORN_SITES_VERSION};
    struct popcorn_sites table;
    struct popcorn_site s;
    cr_assert(popcorn_sites_open(&table, &h, sizeof h));
    cr_expect(!popcorn_sites_find(&table, 0, place, &s));
    cr_expect(popcorn_sites_verify(&table, 0, place));
}
