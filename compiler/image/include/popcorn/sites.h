/* SPDX-License-Identifier: MIT */
/*
 * The call-site table: what `.popcorn.sites` holds and how to read it.
 *
 * popcorn-ld makes it for each ISA's image out of what the pass says of every site (POPCORN_SECTION_FRAMES),
 * .llvm_stackmaps and .eh_frame. It says for every return address at which a frame may be captured: which
 * site of the program this is, how to find the caller's frame, and where each live value is. Read-only, no
 * relocations, little-endian; all offsets are in bytes.
 *
 *   header     struct popcorn_sites_header
 *   locations  struct popcorn_location[nlocations]: each place where some value is, the most frequent first
 *   blocks     struct popcorn_sites_block[]: one for POPCORN_SITES_BLOCK entries, ascending: binary search
 *   frames     struct popcorn_frame[nframes]: functions by their first site
 *   live       a row of bits for each site: which slots of the function's frame are live (popcorn/abi.h)
 *   blob       frame rules, each one once, then the entries by ascending address
 *
 *   rule      ULEB register, SLEB offset: the CFA (the stack pointer of the caller behind the call)
 *             ULEB n, then n times ULEB register, SLEB offset: saved at CFA + offset. Every other register
 *             still holds what it held in the caller. The return address is always among them.
 *
 *   entry     byte     bits 0 to 2: enum popcorn_entry, below
 *                      bits 3 to 7: the site. 0: POPCORN_SITE_IN_IMAGE; 1: an SLEB follows, its difference to
 *                      the site before; other: the difference + POPCORN_ENTRY_SITE_SAME
 *             ULEB     difference to the address before
 *             [SLEB]   difference to the site before
 *             [ULEB]   where its frame rule begins, from the start of the blob
 *             [places] where its values are
 *
 *   places    of a frame image: ULEB index of its location
 *             else a bit for each live slot, the lowest slot first, lowest bit first, in whole bytes; then
 *             ULEB index of the slot's location for each bit that is set
 *
 * Neighbours are much alike, so an entry says only what is different from before: a rule, an image's location
 * and the locations of slots stay as they are until an entry changes them. Before the first entry of a block
 * the address is what `blocks` says, and site, rule and all locations are 0.
 *
 * Registers are DWARF numbers of the ISA's psABI. One site may have several return addresses (the code
 * generator duplicates tails) but a return address has one site.
 *
 * In an image the table lies between __popcorn_sites and __popcorn_sites_end. The reader below needs no libc,
 * never reads outside the section whatever it contains, and is safe in any number of threads.
 */
#ifndef POPCORN_SITES_H
#define POPCORN_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "popcorn/abi.h"

#define POPCORN_SITES_MAGIC 0x5345544953504f50ULL /* "POPSITES" */
#define POPCORN_SITES_VERSION 3
#define POPCORN_SITES_BLOCK 64

struct popcorn_sites_header {
    uint64_t magic;
    uint32_t version;
    uint32_t machine; /* the ISA, as in e_machine of an ELF header */
    uint64_t text_base;
    uint32_t count;      /* of return addresses */
    uint32_t nlocations; /* different ones */
    uint32_t nsites;     /* of the program, counting the landing */
    uint32_t nframes;    /* functions that may migrate */
    uint32_t nslots;     /* of the largest frame */
    uint32_t live_size;  /* in bytes */
    uint32_t blob_size;  /* in bytes; padding may follow */
    uint32_t reserved;
};

struct popcorn_sites_block {
    uint32_t address; /* of its first entry - text_base */
    uint32_t entries; /* where they begin, from the start of the blob */
};

/* The first byte of an entry. */
enum popcorn_entry {
    POPCORN_ENTRY_IMAGE = 1,  /* its values are in a frame image (POPCORN_ID) */
    POPCORN_ENTRY_RULE = 2,   /* has another rule than before */
    POPCORN_ENTRY_PLACES = 4, /* has other locations than before */
    POPCORN_ENTRY_SITE_SHIFT = 3,
    POPCORN_ENTRY_SITE_IN_IMAGE = 0,
    POPCORN_ENTRY_SITE_FAR = 1,
    POPCORN_ENTRY_SITE_LEAST = 2,
    POPCORN_ENTRY_SITE_SAME = 14,
    POPCORN_ENTRY_SITE_MOST = 31,
};

enum popcorn_location_kind {
    POPCORN_IN_REGISTER, /* the register's low bits */
    POPCORN_AT_8,        /* 8 bytes in memory at register + offset */
    POPCORN_AT_4,
    POPCORN_AT_2,
    POPCORN_AT_1,
    POPCORN_ADDRESS,  /* register + offset itself: a native alloca, such as a frame image */
    POPCORN_CONSTANT, /* offset is the value */
};

struct popcorn_location {
    uint32_t kind;  /* enum popcorn_location_kind */
    uint32_t reg;   /* 0 for a constant */
    int64_t offset; /* or constant */
};

struct popcorn_saved { /* a register of the caller, saved at CFA + offset */
    uint32_t reg;
    int64_t offset;
};

/* A range of the blob being read. After it ran out or met a number too long, `bad` is set and numbers are 0.
 */
struct popcorn_cursor {
    const uint8_t *at, *end;
    bool bad;
};

struct popcorn_sites {
    const struct popcorn_frame *frame;
    const struct popcorn_location *location;
    const struct popcorn_sites_block *block;
    const uint8_t *live, *blob;
    uint32_t count, nlocations, nsites, nframes, nslots, live_size, blob_size, machine;
    uint64_t text_base;
};

/* A site as every image has it: whose it is, and which slots of the frame are live. */
struct popcorn_live {
    uint32_t site;
    uint32_t function;
    uint32_t nslots; /* of the function's frame */
    uint32_t flags;  /* POPCORN_SITE_... */
    const uint8_t *row;
};

/* One return address, its entry read. */
struct popcorn_site {
    uint32_t index; /* of the entry */
    uint32_t site;
    uint32_t rule;            /* for popcorn_rule_open(); equal rules have equal numbers */
    bool image;               /* its values are in a frame image */
    uint64_t address;         /* the return address */
    struct popcorn_live live; /* of the site; for POPCORN_SITE_IN_IMAGE of none in particular */
    uint32_t image_place;     /* index of the image's location */
    uint32_t *place;          /* indices of the slots' locations */
    uint32_t before;          /* the last site that was a difference */
    const struct popcorn_sites *table;
    struct popcorn_cursor entries; /* that follow */
};

struct popcorn_rule {
    uint32_t cfa_reg;
    int64_t cfa_offset;
    uint32_t nsaved; /* registers that follow */
    struct popcorn_cursor saved;
};

static inline uint64_t popcorn_read_uleb(struct popcorn_cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint8_t byte = *c->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    c->bad = true;
    c->at = c->end;
    return 0;
}

static inline int64_t popcorn_read_sleb(struct popcorn_cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint8_t byte = *c->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if ((byte & 0x40) && shift + 7 < 64)
            value |= ~(uint64_t)0 << (shift + 7);
        return (int64_t)value;
    }
    c->bad = true;
    c->at = c->end;
    return 0;
}

/*
 * Opens the section of `size` bytes, which must stay mapped. True if it is 8-byte aligned and has all parts;
 * what they hold is checked as it is read, or all at once by popcorn_sites_verify().
 */
static inline bool popcorn_sites_open(struct popcorn_sites *t, const void *section, size_t size) {
    const struct popcorn_sites_header *h = section;
    if ((uintptr_t)section % 8 || size < sizeof *h || h->magic != POPCORN_SITES_MAGIC ||
        h->version != POPCORN_SITES_VERSION || h->nslots > POPCORN_SLOTS_MOST)
        return false;
    uint64_t blocks = ((uint64_t)h->count + POPCORN_SITES_BLOCK - 1) / POPCORN_SITES_BLOCK;
    uint64_t need = sizeof *h + h->nframes * (uint64_t)sizeof *t->frame +
                    h->nlocations * (uint64_t)sizeof *t->location + blocks * sizeof *t->block + h->live_size +
                    h->blob_size;
    if (need > size)
        return false;
    t->location = (const struct popcorn_location *)(h + 1);
    t->block = (const struct popcorn_sites_block *)(t->location + h->nlocations);
    t->frame = (const struct popcorn_frame *)(t->block + blocks);
    t->live = (const uint8_t *)(t->frame + h->nframes);
    t->blob = t->live + h->live_size;
    t->count = h->count;
    t->nlocations = h->nlocations;
    t->nsites = h->nsites;
    t->nframes = h->nframes;
    t->nslots = h->nslots;
    t->live_size = h->live_size;
    t->blob_size = h->blob_size;
    t->machine = h->machine;
    t->text_base = h->text_base;
    return true;
}

static inline struct popcorn_cursor popcorn_sites_cursor(const struct popcorn_sites *t, uint64_t offset) {
    struct popcorn_cursor c = {t->blob + t->blob_size, t->blob + t->blob_size, true};
    if (offset < t->blob_size) {
        c.at = t->blob + offset;
        c.bad = false;
    }
    return c;
}

/* Describes a site of this function. False if it has no such site, or the table is damaged. */
static inline bool popcorn_live_in(const struct popcorn_sites *t, uint32_t function, uint32_t site,
                                   struct popcorn_live *l) {
    const struct popcorn_frame *f = &t->frame[function];
    uint32_t end = function + 1 < t->nframes ? f[1].first_site : t->nsites;
    uint64_t width = ((uint32_t)f->nslots + 7) / 8, row = f->live + (uint64_t)(site - f->first_site) * width;
    if (site < f->first_site || site >= end || f->nslots > t->nslots || row + width > t->live_size)
        return false;
    *l = (struct popcorn_live){site, function, f->nslots, f->flags, t->live + row};
    return true;
}

/* Describes a site. False if the program has no such site (the landing is none), or the table is damaged. */
static inline bool popcorn_live_open(const struct popcorn_sites *t, uint32_t site, struct popcorn_live *l) {
    uint32_t low = 0, n = t->nframes;
    while (n > 1) {
        uint32_t half = n / 2;
        low = t->frame[low + half].first_site <= site ? low + half : low;
        n -= half;
    }
    return n == 1 && site != POPCORN_SITE_LANDING && popcorn_live_in(t, low, site, l);
}

/* Which of the slots from `slot` to slot + 7 are live; slot is a multiple of 8 below nslots. */
static inline unsigned popcorn_live_bits(const struct popcorn_live *l, uint32_t slot) {
    uint32_t rest = l->nslots - slot;
    return l->row[slot / 8] & (rest < 8 ? (1u << rest) - 1 : 0xff);
}

/* The lowest live slot that is not below `slot`; nslots or more if there is none. */
static inline uint32_t popcorn_live_slot(const struct popcorn_live *l, uint32_t slot) {
    for (; slot < l->nslots; slot = (slot | 7) + 1) {
        unsigned rest = popcorn_live_bits(l, slot & ~7u) >> slot % 8;
        if (rest)
            return slot + (uint32_t)__builtin_ctz(rest);
    }
    return slot;
}

/* The number of live slots. */
static inline uint32_t popcorn_live_count(const struct popcorn_live *l) {
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < l->nslots; slot += 8)
        n += (uint32_t)__builtin_popcount(popcorn_live_bits(l, slot));
    return n;
}

/* Reads which slots have moved, and where to. */
static inline void popcorn_read_places(struct popcorn_site *s) {
    struct popcorn_cursor *c = &s->entries;
    uint32_t size = (popcorn_live_count(&s->live) + 7) / 8;
    const uint8_t *next = c->at;
    unsigned moved = 0, nmoved = 0; /* bits of `next` that are at hand */
    if (size > (size_t)(c->end - c->at)) {
        c->bad = true;
        return;
    }
    c->at += size;
    for (uint32_t slot = 0; slot < s->live.nslots; slot += 8) {
        unsigned live = popcorn_live_bits(&s->live, slot), n = (unsigned)__builtin_popcount(live);
        if (nmoved < n) {
            moved |= (unsigned)*next++ << nmoved;
            nmoved += 8;
        }
        for (unsigned here = moved & ((1u << n) - 1); here; here >>= 1, live &= live - 1)
            if (here & 1)
                s->place[slot + (uint32_t)__builtin_ctz(live)] = (uint32_t)popcorn_read_uleb(c);
        moved >>= n;
        nmoved -= n;
    }
}

static inline bool popcorn_read_site(struct popcorn_site *s, unsigned code) {
    if (code == POPCORN_ENTRY_SITE_IN_IMAGE) {
        s->site = POPCORN_SITE_IN_IMAGE;
        return s->image;
    }
    s->before += code == POPCORN_ENTRY_SITE_FAR ? (uint32_t)popcorn_read_sleb(&s->entries)
                                                : code - POPCORN_ENTRY_SITE_SAME;
    s->site = s->before;
    return (s->table->nframes && popcorn_live_in(s->table, s->live.function, s->site, &s->live)) ||
           popcorn_live_open(s->table, s->site, &s->live);
}

static inline bool popcorn_read_entry(struct popcorn_site *s) {
    struct popcorn_cursor *c = &s->entries;
    unsigned first = c->at < c->end ? *c->at++ : (c->bad = true, 0);
    s->image = first & POPCORN_ENTRY_IMAGE;
    s->address += popcorn_read_uleb(c);
    if (!popcorn_read_site(s, first >> POPCORN_ENTRY_SITE_SHIFT))
        return false;
    if (first & POPCORN_ENTRY_RULE)
        s->rule = (uint32_t)popcorn_read_uleb(c);
    if (first & POPCORN_ENTRY_PLACES && s->image)
        s->image_place = (uint32_t)popcorn_read_uleb(c);
    else if (first & POPCORN_ENTRY_PLACES)
        popcorn_read_places(s);
    return !c->bad;
}

/* Reads the first entry of a block (block * POPCORN_SITES_BLOCK < count). False if it is damaged. */
static inline bool popcorn_sites_begin(const struct popcorn_sites *t, uint32_t block, uint32_t *place,
                                       struct popcorn_site *s) {
    const struct popcorn_sites_block *b = &t->block[block];
    *s = (struct popcorn_site){.index = block * POPCORN_SITES_BLOCK,
                               .address = t->text_base + b->address,
                               .place = place,
                               .table = t,
                               .entries = popcorn_sites_cursor(t, b->entries)};
    for (uint32_t i = 0; i < t->nslots; i++)
        place[i] = 0;
    return popcorn_read_entry(s);
}

/* Goes on to the next entry (index + 1 < count). False if it is damaged: then there is no going on. */
static inline bool popcorn_sites_next(struct popcorn_site *s) {
    if (++s->index % POPCORN_SITES_BLOCK == 0)
        return popcorn_sites_begin(s->table, s->index / POPCORN_SITES_BLOCK, s->place, s);
    return popcorn_read_entry(s);
}

/* Index of the last block that begins at or below an address - text_base; of the first if none does. */
static inline uint32_t popcorn_sites_block(const struct popcorn_sites *t, uint64_t wanted) {
    uint32_t low = 0, n = t->count / POPCORN_SITES_BLOCK + (t->count % POPCORN_SITES_BLOCK != 0);
    while (n > 1) {
        uint32_t half = n / 2;
        low = t->block[low + half].address <= wanted ? low + half : low;
        n -= half;
    }
    return low;
}

/*
 * Reads the entry of a return address. `place` has room for nslots numbers and belongs to `s` as long as `s`
 * is in use. False if the address is no call site; s->entries.bad tells whether its entry is damaged.
 */
static inline bool popcorn_sites_find(const struct popcorn_sites *t, uint64_t address, uint32_t *place,
                                      struct popcorn_site *s) {
    uint32_t block = popcorn_sites_block(t, address - t->text_base);
    s->entries.bad = false;
    if (!t->count)
        return false;
    bool good = popcorn_sites_begin(t, block, place, s);
    while (good && s->address < address && s->index + 1 < t->count && (s->index + 1) % POPCORN_SITES_BLOCK)
        good = popcorn_sites_next(s);
    s->entries.bad = !good;
    return good && s->address == address;
}

/* The location of the frame image, or of a live slot's value. False if damaged. */
static inline bool popcorn_site_location(const struct popcorn_site *s, uint32_t slot,
                                         struct popcorn_location *l) {
    uint32_t index = s->image ? s->image_place : s->place[slot];
    if (index >= s->table->nlocations)
        return false;
    *l = s->table->location[index];
    return l->kind <= POPCORN_CONSTANT;
}

/* Begins a frame rule (site.rule). False if damaged. */
static inline bool popcorn_rule_open(const struct popcorn_sites *t, uint32_t rule, struct popcorn_rule *r) {
    r->saved = popcorn_sites_cursor(t, rule);
    r->cfa_reg = (uint32_t)popcorn_read_uleb(&r->saved);
    r->cfa_offset = popcorn_read_sleb(&r->saved);
    r->nsaved = (uint32_t)popcorn_read_uleb(&r->saved);
    return !r->saved.bad;
}

/* Reads the next saved register: call it at most nsaved times. False if damaged. */
static inline bool popcorn_rule_next(struct popcorn_rule *r, struct popcorn_saved *saved) {
    saved->reg = (uint32_t)popcorn_read_uleb(&r->saved);
    saved->offset = popcorn_read_sleb(&r->saved);
    return !r->saved.bad;
}

static inline bool popcorn_verify_locations(const struct popcorn_site *s, uint32_t limit) {
    struct popcorn_location l;
    if (s->image)
        return popcorn_site_location(s, 0, &l) && l.reg < limit;
    for (uint32_t slot = popcorn_live_slot(&s->live, 0); slot < s->live.nslots;
         slot = popcorn_live_slot(&s->live, slot + 1))
        if (!popcorn_site_location(s, slot, &l) || l.reg >= limit)
            return false;
    return true;
}

static inline bool popcorn_verify_rule(const struct popcorn_site *s, uint32_t limit) {
    struct popcorn_rule r;
    if (!popcorn_rule_open(s->table, s->rule, &r) || r.cfa_reg >= limit)
        return false;
    for (uint32_t i = 0; i < r.nsaved; i++) {
        struct popcorn_saved saved;
        if (!popcorn_rule_next(&r, &saved) || saved.reg >= limit)
            return false;
    }
    return true;
}

/*
 * Reads the whole table. True if every site, entry and rule is sound, addresses ascend and no register number
 * is nregs or more (the ISA's number of DWARF registers; 0: do not check). `place` is for nslots numbers.
 */
static inline bool popcorn_sites_verify(const struct popcorn_sites *t, uint32_t nregs, uint32_t *place) {
    uint32_t limit = nregs ? nregs : UINT32_MAX;
    struct popcorn_live l;
    struct popcorn_site s;
    for (uint32_t site = 1; site < t->nsites; site++)
        if (!popcorn_live_open(t, site, &l))
            return false;
    for (uint32_t i = 0; i < t->count; i++) {
        uint64_t before = i ? s.address : 0;
        if (!(i ? popcorn_sites_next(&s) : popcorn_sites_begin(t, 0, place, &s)) || s.address <= before ||
            !popcorn_verify_locations(&s, limit) || !popcorn_verify_rule(&s, limit))
            return false;
    }
    return true;
}

#endif
