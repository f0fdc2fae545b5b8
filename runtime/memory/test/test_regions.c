/* SPDX-License-Identifier: MIT */
/* The table of regions against a plain array with one entry a page. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "memory/regions.h"

#define PAGE 4096UL
#define PAGES 200
#define CAPACITY 512

static struct regions *table;
static struct region model[PAGES]; /* kind, protection, file, offset of each page; protection 99: free */

enum { FREE = 99 };

static void begin(void) {
    table = calloc(1, sizeof *table + CAPACITY * sizeof(struct region));
    table->capacity = CAPACITY;
    for (int i = 0; i < PAGES; i++)
        model[i].protection = FREE;
}

static void end(void) {
    free(table);
}

TestSuite(regions, .init = begin, .fini = end, .timeout = 60);

static void add(uint64_t first, uint64_t pages, uint32_t protection, enum region_kind kind, int file) {
    struct region r = {.start = (first + 1) * PAGE,
                       .end = (first + 1 + pages) * PAGE,
                       .protection = protection,
                       .kind = kind,
                       .file = file,
                       .offset = kind == REGION_FILE ? first * PAGE : 0};
    regions_add(table, &r);
    for (uint64_t i = first; i < first + pages; i++)
        model[i] = (struct region){.protection = protection, .kind = kind, .file = file, .offset = i * PAGE};
}

static void remove_pages(uint64_t first, uint64_t pages) {
    regions_remove(table, (first + 1) * PAGE, (first + 1 + pages) * PAGE);
    for (uint64_t i = first; i < first + pages; i++)
        model[i].protection = FREE;
}

static void protect(uint64_t first, uint64_t pages, uint32_t protection) {
    regions_protect(table, (first + 1) * PAGE, (first + 1 + pages) * PAGE, protection);
    for (uint64_t i = first; i < first + pages; i++)
        if (model[i].protection != FREE)
            model[i].protection = protection;
}

static void check_page(uint64_t i) {
    const struct region *r = regions_at(table, (i + 1) * PAGE + 7);
    if (model[i].protection == FREE) {
        cr_assert_null(r);
        return;
    }
    cr_assert_not_null(r);
    cr_assert(eq(u32, r->protection, model[i].protection));
    cr_assert(eq(int, r->kind, model[i].kind));
    if (model[i].kind == REGION_FILE) {
        cr_assert(eq(int, r->file, model[i].file));
        cr_assert(eq(u64, r->offset + ((i + 1) * PAGE - r->start), model[i].offset));
    }
}

static void check_table(void) {
    for (uint32_t i = 0; i < table->count; i++) {
        cr_assert(lt(u64, table->entry[i].start, table->entry[i].end));
        if (i)
            cr_assert(le(u64, table->entry[i - 1].end, table->entry[i].start));
    }
    for (uint64_t i = 0; i < PAGES; i++)
        check_page(i);
}

static bool model_any(uint64_t first, uint64_t pages) {
    for (uint64_t i = first; i < first + pages; i++)
        if (model[i].protection != FREE)
            return true;
    return false;
}

static bool model_all(uint64_t first, uint64_t pages) {
    for (uint64_t i = first; i < first + pages; i++)
        if (model[i].protection == FREE)
            return false;
    return true;
}

/* The lowest place, as regions_gap() promises. */
static uint64_t model_gap(uint64_t pages) {
    for (uint64_t i = 0; i + pages <= PAGES; i++)
        if (!model_any(i, pages))
            return (i + 1) * PAGE;
    return 0;
}

Test(regions, empty_table) {
    cr_assert_null(regions_at(table, PAGE));
    cr_assert(eq(u64, regions_gap(table, PAGE, 11 * PAGE, 10 * PAGE), PAGE));
    cr_assert(eq(u64, regions_gap(table, PAGE, 11 * PAGE, 11 * PAGE), 0));
    cr_assert_not(regions_all(table, PAGE, 2 * PAGE));
    cr_assert(regions_all(table, PAGE, PAGE));
}

Test(regions, neighbours_alike_are_one) {
    add(0, 2, 3, REGION_PRIVATE, -1);
    add(4, 2, 3, REGION_PRIVATE, -1);
    cr_assert(eq(u32, table->count, 2));
    add(2, 2, 3, REGION_PRIVATE, -1);
    cr_assert(eq(u32, table->count, 1));
    add(6, 1, 1, REGION_PRIVATE, -1);
    cr_assert(eq(u32, table->count, 2));
    protect(6, 1, 3);
    cr_assert(eq(u32, table->count, 1));
    check_table();
}

Test(regions, files_join_only_if_their_contents_do) {
    add(0, 2, 3, REGION_FILE, 9);
    add(2, 2, 3, REGION_FILE, 9);
    cr_assert(eq(u32, table->count, 1));
    struct region elsewhere = {
        .start = 5 * PAGE, .end = 6 * PAGE, .protection = 3, .kind = REGION_FILE, .file = 9};
    regions_add(table, &elsewhere);
    cr_assert(eq(u32, table->count, 2));
    cr_assert(regions_use_file(table, 9));
    cr_assert_not(regions_use_file(table, 8));
}

Test(regions, system_regions_stay_apart) {
    struct region system = {.start = PAGE, .end = 2 * PAGE, .protection = 3, .system = 1, .file = -1};
    regions_add(table, &system);
    add(1, 1, 3, REGION_PRIVATE, -1);
    cr_assert(eq(u32, table->count, 2));
    cr_assert(regions_system(table, PAGE, 3 * PAGE));
    cr_assert_not(regions_system(table, 2 * PAGE, 3 * PAGE));
}

Test(regions, lowered_protection) {
    add(0, 4, 3, REGION_PRIVATE, -1);
    cr_assert(regions_lowered_by(table, PAGE, 2 * PAGE, 1));
    cr_assert_not(regions_lowered_by(table, PAGE, 2 * PAGE, 7));
    cr_assert_not(regions_lowered_by(table, 6 * PAGE, 7 * PAGE, 0));
    cr_assert(regions_allow(table, PAGE, 2 * PAGE, table->entry[0].protection));
    cr_assert_not(regions_allow(table, PAGE, 2 * PAGE, 8));
    cr_assert_not(regions_allow(table, 6 * PAGE, 7 * PAGE, 0), "not in use");
}

Test(regions, random_changes) {
    srand(20);
    for (int step = 0; step < 20000; step++) {
        uint64_t pages = 1 + (uint64_t)rand() % 20, first = (uint64_t)rand() % (PAGES - pages);
        uint32_t protection = (uint32_t)rand() % 4;
        uint64_t start = (first + 1) * PAGE, stop = start + pages * PAGE;
        cr_assert(regions_room(table));
        cr_assert(eq(int, regions_any(table, start, stop), model_any(first, pages)));
        cr_assert(eq(int, regions_all(table, start, stop), model_all(first, pages)));
        cr_assert(eq(u64, regions_gap(table, PAGE, (PAGES + 1) * PAGE, pages * PAGE), model_gap(pages)));
        switch (rand() % 3) {
        case 0:
            remove_pages(first, pages);
            add(first, pages, protection, rand() % 2 ? REGION_PRIVATE : REGION_FILE, rand() % 2);
            break;
        case 1:
            remove_pages(first, pages);
            break;
        default:
            protect(first, pages, protection);
        }
        check_table();
    }
}
