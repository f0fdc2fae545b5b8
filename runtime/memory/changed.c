/* SPDX-License-Identifier: MIT */
/*
 * What has not changed since a child was made, by pagemap: a private page that this process does not have
 * alone is the child's, too, and so nobody has written to it. That holds unless a page is shared for another
 * reason: the program has made children since, pages have got to other addresses, or the kernel has found
 * pages alike and made one of them. Then no page is sure. A page of zeros may be the kernel's.
 */
#include "memory/internal.h"
#include "memory/touched.h"

#define ENTRIES 512

/* Of an entry of pagemap. */
#define PRESENT (1ULL << 63)
#define SWAPPED (1ULL << 62)
#define OF_FILE (1ULL << 61)
#define ALONE (1ULL << 56)

uint32_t memory_moment(void) {
    return memory_shuffles;
}

/* Are any pages of this process one with others that were alike? A kernel that cannot say does that only if
 * it was asked to. */
static bool has_merged(void) {
    char digit = '0';
    int file = (int)KERNEL(NR_openat, AT_CWD, "/proc/self/ksm_merging_pages", OPEN_RDONLY | OPEN_CLOEXEC, 0);
    if (file < 0)
        return memory_merges;
    long n = KERNEL(NR_read, file, &digit, 1);
    KERNEL(NR_close, file);
    return memory_merges || n != 1 || digit != '0';
}

/* Does it tell this apart at all? A page that has just been written to is of this process alone. */
static bool tells_alone(int pagemap) {
    volatile uint64_t here = 1;
    uint64_t entry = 0;
    uint64_t place = (uint64_t)&here / KERNEL_PAGE * sizeof entry;
    return KERNEL(NR_pread64, pagemap, &entry, sizeof entry, place) == (long)sizeof entry &&
           (entry & (PRESENT | OF_FILE | ALONE)) == (PRESENT | ALONE);
}

/* `pagemap`: -1 if there is none. Of what only page tables can have, pages that they do not have are left
 * out. */
static void visit_region(const struct region *region, int pagemap, bool sure,
                         void (*visit)(uint64_t page, bool same)) {
    uint64_t entry[ENTRIES];
    bool plain = region->kind == REGION_PRIVATE && !region->restored;
    for (uint64_t at = region->start; at < region->end; at += ENTRIES * KERNEL_PAGE) {
        uint64_t left = (region->end - at) / KERNEL_PAGE, pages = left < ENTRIES ? left : ENTRIES;
        long size = (long)(pages * sizeof *entry);
        bool known = pagemap >= 0 &&
                     KERNEL(NR_pread64, pagemap, entry, size, at / KERNEL_PAGE * sizeof *entry) == size;
        for (uint64_t i = 0; i < pages; i++) {
            uint64_t is = known ? entry[i] & (PRESENT | SWAPPED | OF_FILE | ALONE) : 0;
            if (!known || !plain || is & (PRESENT | SWAPPED))
                visit(at + i * KERNEL_PAGE, sure && is == PRESENT);
        }
    }
}

static void visit_all(int pagemap, bool sure, void (*visit)(uint64_t page, bool same)) {
    const struct regions *t = memory_regions();
    for (uint32_t i = 0; i < t->count; i++)
        if (!region_outside(&t->entry[i]))
            visit_region(&t->entry[i], pagemap, sure, visit);
}

void memory_each_page(void (*visit)(uint64_t page, bool same), bool child, uint32_t since) {
    int pagemap = memory_open_pagemap();
    bool sure = child && since == memory_shuffles && pagemap >= 0 && tells_alone(pagemap) && !has_merged();
    visit_all(pagemap, sure, visit);
    if (sure && has_merged()) /* meanwhile */
        visit_all(pagemap, false, visit);
    if (pagemap >= 0)
        KERNEL(NR_close, pagemap);
}
