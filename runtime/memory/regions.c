/* SPDX-License-Identifier: MIT */
#include "memory/regions.h"

static void shift(struct regions *t, uint32_t from, int32_t by) {
    if (by > 0)
        for (uint32_t i = t->count; i-- > from;)
            t->entry[i + (uint32_t)by] = t->entry[i];
    else
        for (uint32_t i = from; i < t->count; i++)
            t->entry[i - (uint32_t)-by] = t->entry[i];
    t->count += (uint32_t)by;
}

uint32_t regions_search(const struct regions *t, uint64_t address) {
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->entry[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct region *regions_at(const struct regions *t, uint64_t address) {
    uint32_t i = regions_search(t, address);
    return i < t->count && t->entry[i].start <= address ? &t->entry[i] : 0;
}

uint64_t regions_gap(const struct regions *t, uint64_t low, uint64_t high, uint64_t size) {
    for (uint32_t i = regions_search(t, low); i < t->count && t->entry[i].start < high; i++) {
        if (t->entry[i].start >= low && t->entry[i].start - low >= size)
            return low;
        low = t->entry[i].end;
    }
    return low < high && high - low >= size ? low : 0;
}

bool regions_any(const struct regions *t, uint64_t start, uint64_t end) {
    uint32_t i = regions_search(t, start);
    return i < t->count && t->entry[i].start < end;
}

bool regions_all(const struct regions *t, uint64_t start, uint64_t end) {
    for (uint32_t i = regions_search(t, start); start < end; i++) {
        if (i == t->count || t->entry[i].start > start)
            return false;
        start = t->entry[i].end;
    }
    return true;
}

bool regions_system(const struct regions *t, uint64_t start, uint64_t end) {
    for (uint32_t i = regions_search(t, start); i < t->count && t->entry[i].start < end; i++)
        if (t->entry[i].system)
            return true;
    return false;
}

bool regions_any_of_file(const struct regions *t, uint64_t start, uint64_t end) {
    for (uint32_t i = regions_search(t, start); i < t->count && t->entry[i].start < end; i++)
        if (t->entry[i].kind == REGION_FILE)
            return true;
    return false;
}

bool regions_lowered_by(const struct regions *t, uint64_t start, uint64_t end, uint32_t protection) {
    for (uint32_t i = regions_search(t, start); i < t->count && t->entry[i].start < end; i++)
        if (t->entry[i].protection & ~protection)
            return true;
    return false;
}

bool regions_any_restored(const struct regions *t, uint64_t start, uint64_t end) {
    for (uint32_t i = regions_search(t, start); i < t->count && t->entry[i].start < end; i++)
        if (t->entry[i].restored)
            return true;
    return false;
}

bool regions_anonymous(const struct regions *t, uint64_t start, uint64_t end) {
    uint32_t protection = 0;
    for (uint32_t i = regions_search(t, start), first = i; start < end; i++) {
        if (i >= t->count || t->entry[i].start > start)
            return false;
        const struct region *r = &t->entry[i];
        protection = i == first ? r->protection : protection;
        if (r->system || (r->kind != REGION_PRIVATE && !r->restored) || r->protection != protection)
            return false;
        start = r->end;
    }
    return true;
}

bool regions_allow(const struct regions *t, uint64_t start, uint64_t end, uint32_t protection) {
    for (uint32_t i = regions_search(t, start); start < end; i++) {
        if (i >= t->count || t->entry[i].start > start || protection & ~t->entry[i].protection)
            return false;
        start = t->entry[i].end;
    }
    return true;
}

bool regions_room(const struct regions *t) {
    return t->count + 2 <= t->capacity;
}

/* Makes `address` a border: if a region spans it, it becomes two. */
static void split(struct regions *t, uint64_t address) {
    uint32_t i = regions_search(t, address);
    if (i == t->count || t->entry[i].start >= address)
        return;
    shift(t, i, 1);
    t->entry[i].end = address;
    t->entry[i + 1].offset += address - t->entry[i + 1].start;
    t->entry[i + 1].start = address;
}

static bool alike(const struct region *a, const struct region *b) {
    return a->end == b->start && a->protection == b->protection && a->kind == b->kind && !a->system &&
           !b->system && a->file == b->file && a->restored == b->restored &&
           (!region_outside(a) || a->offset + (a->end - a->start) == b->offset);
}

/* Joins neighbours alike among the entries first - 1 to last. */
static void join(struct regions *t, uint32_t first, uint32_t last) {
    uint32_t i = first ? first - 1 : 0;
    while (i < last && i + 1 < t->count) {
        if (!alike(&t->entry[i], &t->entry[i + 1])) {
            i++;
            continue;
        }
        t->entry[i].end = t->entry[i + 1].end;
        shift(t, i + 2, -1);
        last--;
    }
}

void regions_remove(struct regions *t, uint64_t start, uint64_t end) {
    split(t, start);
    split(t, end);
    uint32_t first = regions_search(t, start), last = first;
    while (last < t->count && t->entry[last].start < end)
        last++;
    if (last > first)
        shift(t, last, -(int32_t)(last - first));
}

void regions_add(struct regions *t, const struct region *region) {
    uint32_t i = regions_search(t, region->start);
    shift(t, i, 1);
    t->entry[i] = *region;
    join(t, i, i + 1);
}

void regions_protect(struct regions *t, uint64_t start, uint64_t end, uint32_t protection) {
    split(t, start);
    split(t, end);
    uint32_t first = regions_search(t, start), last = first;
    for (; last < t->count && t->entry[last].start < end; last++)
        t->entry[last].protection = protection;
    join(t, first, last);
}

bool regions_use_file(const struct regions *t, int32_t file) {
    for (uint32_t i = 0; i < t->count; i++)
        if (t->entry[i].kind == REGION_FILE && t->entry[i].file == file)
            return true;
    return false;
}
