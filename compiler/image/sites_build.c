/* SPDX-License-Identifier: MIT */
#include "sites_build.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "popcorn/container.h"
#include "popcorn/sites.h"
#include "stackmap.h"

/* The rules seen so far: a hash table of where each begins and ends in the blob. */
struct rule {
    uint32_t begin, size;
};

struct rules {
    struct rule *slot; /* size 0: free */
    size_t count, capacity;
    struct buffer blob;
};

static void rules_place(struct rules *rules, struct rule rule) {
    uint64_t h = popcorn_hash(POPCORN_HASH_SEED, rules->blob.bytes + rule.begin, rule.size);
    while (rules->slot[h % rules->capacity].size)
        h++;
    rules->slot[h % rules->capacity] = rule;
}

static void rules_grow(struct rules *rules) {
    struct rule *old = rules->slot;
    size_t n = rules->capacity;
    rules->capacity = n * 2 + 64;
    rules->slot = must_alloc(rules->capacity * sizeof *rules->slot);
    memset(rules->slot, 0, rules->capacity * sizeof *rules->slot);
    for (size_t i = 0; i < n; i++)
        if (old[i].size)
            rules_place(rules, old[i]);
    free(old);
}

/* Where an encoded rule begins in the blob; added if it is new. */
static uint32_t rules_add(struct rules *rules, const struct buffer *rule) {
    if (rules->count * 2 >= rules->capacity)
        rules_grow(rules);
    uint64_t h = popcorn_hash(POPCORN_HASH_SEED, rule->bytes, rule->size);
    for (struct rule *s; (s = &rules->slot[h % rules->capacity])->size; h++)
        if (s->size == rule->size && !memcmp(rules->blob.bytes + s->begin, rule->bytes, rule->size))
            return s->begin;
    struct rule new = {(uint32_t)rules->blob.size, (uint32_t)rule->size};
    buffer_put(&rules->blob, rule->bytes, rule->size);
    rules->slot[h % rules->capacity] = new;
    rules->count++;
    return new.begin;
}

static bool collect_rules(const struct elf_image *image, const struct stackmap *map, struct rules *rules,
                          uint32_t *rule_of, struct popcorn_error *error) {
    struct buffer rule = {0};
    struct frames *frames = frames_open(image, error);
    bool good = frames;
    for (size_t i = 0; good && i < map->count; i++) {
        rule.size = 0;
        good = frames_rule(frames, map->record[i].address, &rule, error);
        if (good)
            rule_of[i] = rules_add(rules, &rule);
    }
    if (frames)
        frames_close(frames);
    buffer_free(&rule);
    return good;
}

/* The different locations of a stack map, the most frequent ones first. */
struct dictionary {
    struct entry {
        struct popcorn_location location;
        uint32_t uses, rank;
    } *entry;
    uint32_t *slot;     /* hash table of indices in entry, plus 1 */
    uint32_t *index_of; /* stack map's location -> index in entry */
    uint32_t *by_rank;  /* rank -> index in entry */
    size_t count, slots;
};

static uint32_t dictionary_add(struct dictionary *d, const struct popcorn_location *l) {
    uint64_t h = popcorn_hash(POPCORN_HASH_SEED, l, sizeof *l);
    for (; d->slot[h % d->slots]; h++) {
        struct entry *e = &d->entry[d->slot[h % d->slots] - 1];
        if (e->location.kind == l->kind && e->location.reg == l->reg && e->location.offset == l->offset) {
            e->uses++;
            return d->slot[h % d->slots] - 1;
        }
    }
    d->entry[d->count] = (struct entry){.location = *l, .uses = 1};
    d->slot[h % d->slots] = (uint32_t)++d->count;
    return (uint32_t)d->count - 1;
}

static int by_uses(const void *a, const void *b, void *data) {
    const struct dictionary *d = data;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    uint32_t x = d->entry[i].uses, y = d->entry[j].uses;
    return x != y ? (x < y) - (x > y) : (i > j) - (i < j);
}

static void dictionary_make(struct dictionary *d, const struct stackmap *map) {
    size_t n = map->nlocations;
    *d = (struct dictionary){.slots = n * 2 + 1};
    d->entry = must_alloc(n * sizeof *d->entry);
    d->index_of = must_alloc(n * sizeof *d->index_of);
    d->slot = must_alloc(d->slots * sizeof *d->slot);
    memset(d->slot, 0, d->slots * sizeof *d->slot);
    for (size_t i = 0; i < n; i++)
        d->index_of[i] = dictionary_add(d, &map->location[i]);
    d->by_rank = must_alloc(d->count * sizeof *d->by_rank);
    for (size_t i = 0; i < d->count; i++)
        d->by_rank[i] = (uint32_t)i;
    if (d->count)
        qsort_r(d->by_rank, d->count, sizeof *d->by_rank, by_uses, d);
    for (size_t i = 0; i < d->count; i++)
        d->entry[d->by_rank[i]].rank = (uint32_t)i;
}

static void dictionary_free(struct dictionary *d) {
    free(d->entry);
    free(d->slot);
    free(d->index_of);
    free(d->by_rank);
}

static void put_entry(struct buffer *out, const struct dictionary *d, const struct stackmap_record *record,
                      uint32_t rule) {
    struct buffer entry = {0};
    buffer_put_uleb(&entry, record->id);
    buffer_put_uleb(&entry, rule);
    buffer_put_uleb(&entry, record->nlocations);
    for (uint32_t i = 0; i < record->nlocations; i++)
        buffer_put_uleb(&entry, d->entry[d->index_of[record->first + i]].rank);
    buffer_put_uleb(out, entry.size);
    buffer_put(out, entry.bytes, entry.size);
    buffer_free(&entry);
}

static bool check_records(const struct stackmap *map, uint64_t text_base, struct popcorn_error *error) {
    for (size_t i = 0; i < map->count; i++) {
        const struct stackmap_record *r = &map->record[i];
        const struct popcorn_location *l = &map->location[r->first];
        if (r->address < text_base || r->address - text_base > UINT32_MAX)
            return popcorn_fail(error, "call site at 0x%" PRIx64 " is outside of the text", r->address);
        if (r->id >> 33)
            return popcorn_fail(error, "statepoint with id %" PRIu64 " is none of ours", r->id);
        if ((r->id & 1) && (r->nlocations != 1 || l->kind != POPCORN_ADDRESS))
            return popcorn_fail(error, "site %" PRIu64 " does not record its frame image", r->id >> 1);
    }
    return true;
}

static void write_table(const struct elf_image *image, const struct stackmap *map, struct rules *rules,
                        const uint32_t *rule_of, uint64_t text_base, struct buffer *out) {
    struct buffer *blob = &rules->blob, addresses = {0}, blocks = {0};
    struct dictionary d;
    dictionary_make(&d, map);
    for (size_t i = 0; i < map->count; i++) {
        buffer_put_u32(&addresses, (uint32_t)(map->record[i].address - text_base));
        if (i % POPCORN_SITES_BLOCK == 0)
            buffer_put_u32(&blocks, (uint32_t)blob->size);
        put_entry(blob, &d, &map->record[i], rule_of[i]);
    }
    struct popcorn_sites_header header = {
        .magic = POPCORN_SITES_MAGIC,
        .version = POPCORN_SITES_VERSION,
        .machine = image->machine,
        .text_base = text_base,
        .count = (uint32_t)map->count,
        .nlocations = (uint32_t)d.count,
        .blob_size = (uint32_t)blob->size,
    };
    buffer_put(out, &header, sizeof header);
    for (size_t i = 0; i < d.count; i++)
        buffer_put(out, &d.entry[d.by_rank[i]].location, sizeof(struct popcorn_location));
    buffer_put(out, addresses.bytes, addresses.size);
    buffer_put(out, blocks.bytes, blocks.size);
    buffer_put(out, blob->bytes, blob->size);
    buffer_align(out, 8);
    buffer_free(&addresses);
    buffer_free(&blocks);
    dictionary_free(&d);
}

bool sites_build(const struct elf_image *image, uint64_t text_base, struct buffer *out,
                 struct popcorn_error *error) {
    struct stackmap map = {0};
    struct rules rules = {0};
    struct elf_section maps;
    if (elf_section_find(image, ".llvm_stackmaps", &maps) && maps.bytes &&
        !stackmap_read(&map, maps.bytes, maps.header.sh_size, error))
        return false;
    uint32_t *rule_of = must_alloc(map.count * sizeof *rule_of);
    bool good = check_records(&map, text_base, error) &&
                (!map.count || collect_rules(image, &map, &rules, rule_of, error));
    if (good)
        write_table(image, &map, &rules, rule_of, text_base, out);
    free(rule_of);
    free(rules.slot);
    buffer_free(&rules.blob);
    stackmap_free(&map);
    return good;
}
