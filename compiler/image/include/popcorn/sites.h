/* SPDX-License-Identifier: MIT */
/*
 * The call-site table: what `.popcorn.sites` holds and how to read it.
 *
 * popcorn-ld joins .llvm_stackmaps and .eh_frame of one ISA's image into this table. It says for every return
 * address at which a frame may be captured: which site of the program this is, how to find the caller's
 * frame, and where each live value is. Read-only, no relocations, little-endian; all offsets are in bytes.
 *
 *   header     struct popcorn_sites_header
 *   locations  struct popcorn_location[nlocations]: each place where some value is, the most frequent first
 *   addresses  uint32_t[count]: return address - text_base, strictly ascending: binary search
 *   blocks     uint32_t[]: for each POPCORN_SITES_BLOCK addresses, where the entry of the first of them begins,
 *              from the start of the blob; those of the others follow it
 *   blob      LEB128 numbers: first the frame rules, each one once, then the entries
 *
 *   entry     ULEB size             bytes of the entry that follow
 *             ULEB site * 2 + image as the low half of the statepoint's id (POPCORN_ID)
 *             ULEB rule             where its frame rule begins, from the start of the blob
 *             ULEB n, then n ULEB   indices of locations: the live values in the order of the statepoint
 *   rule      ULEB register, SLEB offset: the CFA (the stack pointer of the caller behind the call)
 *             ULEB n, then n times ULEB register, SLEB offset: saved at CFA + offset; every other register
 * still holds what it held in the caller. The return address is always among them.
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

#define POPCORN_SITES_MAGIC 0x5345544953504f50ULL /* "POPSITES" */
#define POPCORN_SITES_VERSION 2
#define POPCORN_SITES_BLOCK 16

struct popcorn_sites_header {
    uint64_t magic;
    uint32_t version;
    uint32_t machine; /* the ISA, as in e_machine of an ELF header */
    uint64_t text_base;
    uint32_t count;      /* of return addresses */
    uint32_t nlocations; /* different ones */
    uint32_t blob_size;  /* in bytes; padding may follow */
    uint32_t reserved;
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
    uint32_t kind; /* enum popcorn_location_kind */
    uint32_t reg;
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
    const struct popcorn_location *location;
    const uint32_t *address, *block;
    const uint8_t *blob;
    uint32_t count, nlocations, blob_size, machine;
    uint64_t text_base;
};

/* One return address, its entry begun: locations are next to be read. */
struct popcorn_site {
    uint32_t site;
    uint32_t nvalues; /* locations that follow */
    uint32_t rule;    /* for popcorn_rule_open(); equal rules have equal numbers */
    bool image;       /* the only location is that of the frame image */
    uint64_t address; /* the return address */
    const struct popcorn_sites *table;
    struct popcorn_cursor locations;
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
 * Opens the section of `size` bytes (8-byte aligned, must stay mapped). True if header and tables are whole;
 * entries are checked as they are read, or all at once by popcorn_sites_verify().
 */
static inline bool popcorn_sites_open(struct popcorn_sites *t, const void *section, size_t size) {
    const struct popcorn_sites_header *h = section;
    if (size < sizeof *h || h->magic != POPCORN_SITES_MAGIC || h->version != POPCORN_SITES_VERSION)
        return false;
    uint64_t blocks = ((uint64_t)h->count + POPCORN_SITES_BLOCK - 1) / POPCORN_SITES_BLOCK;
    uint64_t need = sizeof *h + h->nlocations * (uint64_t)sizeof(struct popcorn_location) +
                    (h->count + blocks) * sizeof(uint32_t) + h->blob_size;
    if (need > size)
        return false;
    t->location = (const struct popcorn_location *)(h + 1);
    t->address = (const uint32_t *)(t->location + h->nlocations);
    t->block = t->address + h->count;
    t->blob = (const uint8_t *)(t->block + blocks);
    t->count = h->count;
    t->nlocations = h->nlocations;
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

/* The bytes of the entry at the cursor, which goes on behind them. */
static inline struct popcorn_cursor popcorn_sites_entry(struct popcorn_cursor *c) {
    uint64_t size = popcorn_read_uleb(c);
    struct popcorn_cursor entry = {c->at, c->at, true};
    if (c->bad || size > (uint64_t)(c->end - c->at)) {
        c->bad = true;
        return entry;
    }
    c->at += size;
    entry.end = c->at;
    entry.bad = false;
    return entry;
}

/* Begins the index-th return address (0 <= index < count). False if the entry is damaged. */
static inline bool popcorn_sites_at(const struct popcorn_sites *t, uint32_t index, struct popcorn_site *s) {
    struct popcorn_cursor all = popcorn_sites_cursor(t, t->block[index / POPCORN_SITES_BLOCK]);
    for (uint32_t i = index % POPCORN_SITES_BLOCK; i; i--)
        popcorn_sites_entry(&all);
    struct popcorn_cursor c = popcorn_sites_entry(&all);
    uint64_t id = popcorn_read_uleb(&c);
    uint64_t rule = popcorn_read_uleb(&c);
    uint64_t n = popcorn_read_uleb(&c);
    s->site = (uint32_t)(id >> 1);
    s->image = id & 1;
    s->rule = (uint32_t)rule;
    s->nvalues = (uint32_t)n;
    s->address = t->text_base + t->address[index];
    s->table = t;
    s->locations = c;
    return !c.bad && id >> 33 == 0 && rule < t->blob_size && n <= (uint64_t)(c.end - c.at);
}

/* Begins the entry of a return address. False if the address is no call site, or its entry is damaged. */
static inline bool popcorn_sites_find(const struct popcorn_sites *t, uint64_t address,
                                      struct popcorn_site *s) {
    uint64_t wanted = address - t->text_base;
    uint32_t low = 0, n = t->count;
    while (n > 1) {
        uint32_t half = n / 2;
        low = t->address[low + half] <= wanted ? low + half : low;
        n -= half;
    }
    return n == 1 && t->address[low] == wanted && popcorn_sites_at(t, low, s);
}

/* Reads the next location: call it at most nvalues times. False if damaged. */
static inline bool popcorn_site_next(struct popcorn_site *s, struct popcorn_location *l) {
    uint64_t index = popcorn_read_uleb(&s->locations);
    if (s->locations.bad || index >= s->table->nlocations)
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

/*
 * Reads the whole table. True if every entry and rule is sound, addresses ascend and no register number is
 * nregs or more (the ISA's number of DWARF registers; 0: do not check).
 */
static inline bool popcorn_sites_verify(const struct popcorn_sites *t, uint32_t nregs) {
    uint32_t limit = nregs ? nregs : UINT32_MAX;
    for (uint32_t i = 0; i < t->count; i++) {
        struct popcorn_site s;
        struct popcorn_rule r;
        if ((i && t->address[i] <= t->address[i - 1]) || !popcorn_sites_at(t, i, &s))
            return false;
        for (uint32_t k = 0; k < s.nvalues; k++) {
            struct popcorn_location l;
            if (!popcorn_site_next(&s, &l) || l.reg >= limit)
                return false;
        }
        if (!popcorn_rule_open(t, s.rule, &r) || r.cfa_reg >= limit)
            return false;
        for (uint32_t k = 0; k < r.nsaved; k++) {
            struct popcorn_saved saved;
            if (!popcorn_rule_next(&r, &saved) || saved.reg >= limit)
                return false;
        }
    }
    return true;
}

#endif
