/* SPDX-License-Identifier: MIT */
#include "sites_build.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "popcorn/abi.h"
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
    } * entry;
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

/* What the pass says of the sites: a part of its section goes into the table as it is. */
struct frames_section {
    struct popcorn_frames_header header;
    const uint8_t *bytes; /* struct popcorn_frame[nframes], rows */
    size_t size;
    uint32_t nslots; /* of the largest frame */
};

static bool read_frames(const struct elf_image *image, struct frames_section *frames,
                        struct popcorn_error *error) {
    struct elf_section section;
    struct popcorn_frames_header *h = &frames->header;
    *frames = (struct frames_section){0};
    if (!elf_section_find(image, POPCORN_SECTION_FRAMES, &section) || !section.bytes ||
        section.header.sh_size < sizeof *h)
        return popcorn_fail(error, "there is no description of frames: not made by popcorn's pass");
    memcpy(h, section.bytes, sizeof *h);
    frames->bytes = section.bytes + sizeof *h;
    frames->size = section.header.sh_size - sizeof *h;
    if (frames->size != h->nframes * (uint64_t)sizeof(struct popcorn_frame) + h->live_size)
        return popcorn_fail(error, "the description of frames is damaged");
    for (uint32_t i = 0; i < h->nframes; i++) {
        struct popcorn_frame f;
        memcpy(&f, frames->bytes + i * sizeof f, sizeof f);
        frames->nslots = f.nslots > frames->nslots ? f.nslots : frames->nslots;
    }
    return true;
}

/* The entries being written, and what the reader knows behind the last of them. */
struct writer {
    const struct stackmap *map;
    const struct dictionary *dictionary;
    const uint32_t *rule_of;
    struct popcorn_sites frames; /* only frames and rows */
    struct buffer *blob, entry;
    uint64_t address;
    uint32_t site, rule, image_place;
    uint32_t *place;
};

static uint32_t rank_of(const struct writer *w, uint32_t location) {
    return w->dictionary->entry[w->dictionary->index_of[location]].rank;
}

static bool put_image_place(struct writer *w, const struct stackmap_record *r) {
    uint32_t place = rank_of(w, r->first);
    if (place == w->image_place)
        return false;
    buffer_put_uleb(&w->entry, w->image_place = place);
    return true;
}

static bool put_places(struct writer *w, const struct stackmap_record *r, const struct popcorn_live *live) {
    size_t bits = w->entry.size;
    bool moved = false;
    buffer_put(&w->entry, NULL, (r->nlocations + 7) / 8);
    uint32_t slot = popcorn_live_slot(live, 0);
    for (uint32_t i = 0; i < r->nlocations; i++, slot = popcorn_live_slot(live, slot + 1)) {
        uint32_t place = rank_of(w, r->first + i);
        if (place == w->place[slot])
            continue;
        w->entry.bytes[bits + i / 8] |= (uint8_t)(1 << i % 8);
        buffer_put_uleb(&w->entry, w->place[slot] = place);
        moved = true;
    }
    if (!moved)
        w->entry.size = bits;
    return moved;
}

/* The upper bits of an entry's first byte; a difference that is too large follows. */
static unsigned put_site(struct writer *w, uint32_t site) {
    if (site == POPCORN_SITE_IN_IMAGE)
        return POPCORN_ENTRY_SITE_IN_IMAGE;
    int64_t code = (int64_t)site - w->site + POPCORN_ENTRY_SITE_SAME;
    if (code < POPCORN_ENTRY_SITE_LEAST || code > POPCORN_ENTRY_SITE_MOST) {
        buffer_put_sleb(&w->entry, (int64_t)site - w->site);
        code = POPCORN_ENTRY_SITE_FAR;
    }
    w->site = site;
    return (unsigned)code;
}

static bool put_entry(struct writer *w, uint32_t index, struct popcorn_error *error) {
    const struct stackmap_record *r = &w->map->record[index];
    uint32_t site = (uint32_t)(r->id >> 1), rule = w->rule_of[index];
    bool image = r->id & 1;
    struct popcorn_live live = {0};
    if (!(image && site == POPCORN_SITE_IN_IMAGE) && !popcorn_live_open(&w->frames, site, &live))
        return popcorn_fail(error, "there is no site %" PRIu32, site);
    if (!image && popcorn_live_count(&live) != r->nlocations)
        return popcorn_fail(error,
                            "site %" PRIu32 " has %" PRIu32 " live slots but records %" PRIu32 " values",
                            site, popcorn_live_count(&live), r->nlocations);
    w->entry.size = 0;
    buffer_put_uleb(&w->entry, r->address - w->address);
    unsigned first = put_site(w, site) << POPCORN_ENTRY_SITE_SHIFT | (image ? POPCORN_ENTRY_IMAGE : 0);
    if (rule != w->rule) {
        first |= POPCORN_ENTRY_RULE;
        buffer_put_uleb(&w->entry, rule);
    }
    if (image ? put_image_place(w, r) : put_places(w, r, &live))
        first |= POPCORN_ENTRY_PLACES;
    buffer_put(w->blob, &(uint8_t){(uint8_t)first}, 1);
    buffer_put(w->blob, w->entry.bytes, w->entry.size);
    w->address = r->address;
    w->rule = rule;
    return true;
}

static void begin_block(struct writer *w, uint32_t index, uint64_t text_base, struct buffer *blocks) {
    w->address = w->map->record[index].address;
    w->site = w->rule = w->image_place = 0;
    memset(w->place, 0, w->frames.nslots * sizeof *w->place);
    buffer_put_u32(blocks, (uint32_t)(w->address - text_base));
    buffer_put_u32(blocks, (uint32_t)w->blob->size);
}

static bool put_entries(struct writer *w, uint64_t text_base, struct buffer *blocks,
                        struct popcorn_error *error) {
    for (uint32_t i = 0; i < w->map->count; i++) {
        if (i % POPCORN_SITES_BLOCK == 0)
            begin_block(w, i, text_base, blocks);
        if (!put_entry(w, i, error))
            return false;
    }
    return true;
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

static void put_table(const struct popcorn_sites_header *header, const struct dictionary *d,
                      const struct buffer *blocks, const struct frames_section *frames,
                      const struct buffer *blob, struct buffer *out) {
    buffer_put(out, header, sizeof *header);
    for (size_t i = 0; i < d->count; i++)
        buffer_put(out, &d->entry[d->by_rank[i]].location, sizeof(struct popcorn_location));
    buffer_put(out, blocks->bytes, blocks->size);
    buffer_put(out, frames->bytes, frames->size);
    buffer_put(out, blob->bytes, blob->size);
    buffer_align(out, 8);
}

/* `blob` has the rules in it. */
static bool write_table(const struct elf_image *image, const struct stackmap *map,
                        const struct frames_section *frames, struct buffer *blob, const uint32_t *rule_of,
                        uint64_t text_base, struct buffer *out, struct popcorn_error *error) {
    struct buffer blocks = {0};
    struct dictionary d;
    uint8_t *aligned = must_alloc(frames->size);
    memcpy(aligned, frames->bytes, frames->size);
    dictionary_make(&d, map);
    struct writer w = {.map = map, .dictionary = &d, .rule_of = rule_of, .blob = blob};
    w.frames = (struct popcorn_sites){
        .frame = (const struct popcorn_frame *)aligned,
        .nframes = frames->header.nframes,
        .nsites = frames->header.nsites,
        .nslots = frames->nslots,
        .live = aligned + frames->header.nframes * sizeof(struct popcorn_frame),
        .live_size = frames->header.live_size,
    };
    w.place = must_alloc(frames->nslots * sizeof *w.place);
    bool good = put_entries(&w, text_base, &blocks, error);
    struct popcorn_sites_header header = {
        .magic = POPCORN_SITES_MAGIC,
        .version = POPCORN_SITES_VERSION,
        .machine = image->machine,
        .text_base = text_base,
        .count = (uint32_t)map->count,
        .nlocations = (uint32_t)d.count,
        .nsites = frames->header.nsites,
        .nframes = frames->header.nframes,
        .nslots = frames->nslots,
        .live_size = frames->header.live_size,
        .blob_size = (uint32_t)blob->size,
    };
    if (good)
        put_table(&header, &d, &blocks, frames, blob, out);
    dictionary_free(&d);
    buffer_free(&blocks);
    buffer_free(&w.entry);
    free(w.place);
    free(aligned);
    return good;
}

bool sites_build(const struct elf_image *image, uint64_t text_base, struct buffer *out,
                 struct popcorn_error *error) {
    struct stackmap map = {0};
    struct rules rules = {0};
    struct frames_section frames;
    if (!read_frames(image, &frames, error) || !stackmap_read(&map, image, error))
        return false;
    uint32_t *rule_of = must_alloc(map.count * sizeof *rule_of);
    bool good = check_records(&map, text_base, error) &&
                (!map.count || collect_rules(image, &map, &rules, rule_of, error)) &&
                write_table(image, &map, &frames, &rules.blob, rule_of, text_base, out, error);
    free(rule_of);
    free(rules.slot);
    buffer_free(&rules.blob);
    stackmap_free(&map);
    return good;
}
