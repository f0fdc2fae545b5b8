/* SPDX-License-Identifier: MIT */
/*
 * Looking call sites up. popcorn-ld's table is small and has to be decoded; a stack asks for the same few
 * sites again and again. So what has been decoded is kept for good: return addresses in a hash table of
 * lists, descriptions in an array by site. Both only ever gain pointers to complete objects, so threads share
 * them without a lock; two threads decoding the same site waste one copy.
 */

#include "base/kernel.h"
#include "base/text.h"
#include "internal.h"

#define HASHES 4096
#define POOL_CHUNK (256 * 1024UL)

static struct popcorn_sites table;
static const struct site *known[HASHES];
static const struct site_description **described;

/*
 * Memory for decoded sites, never given back. Without a lock: a signal handler may leave this code by
 * longjmp, and fork may copy it in the middle.
 */
struct pool_chunk {
    size_t used;
    char memory[];
};

static struct pool_chunk *pool;

static void *private_pages(size_t bytes) {
    long r =
        KERNEL(NR_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return r < 0 && r >= -4095 ? NULL : (void *)r;
}

/* Puts a fresh chunk in the place of a full one, unless another thread has done so. */
static bool pool_refill(struct pool_chunk *full) {
    struct pool_chunk *fresh = private_pages(POOL_CHUNK);
    if (!fresh)
        return false;
    fresh->used = sizeof *fresh;
    if (!__atomic_compare_exchange_n(&pool, &full, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        KERNEL(NR_munmap, fresh, POOL_CHUNK);
    return true;
}

static void *pool_take(size_t bytes) {
    bytes = (bytes + 15) & ~15UL;
    if (bytes > POOL_CHUNK / 4)
        return private_pages(bytes);
    for (;;) {
        struct pool_chunk *chunk = __atomic_load_n(&pool, __ATOMIC_ACQUIRE);
        size_t at = chunk ? __atomic_fetch_add(&chunk->used, bytes, __ATOMIC_RELAXED) : POOL_CHUNK;
        if (at + bytes <= POOL_CHUNK)
            return (char *)chunk + at;
        if (!pool_refill(chunk))
            return NULL;
    }
}

int stack_init(void) {
    if (!popcorn_sites_open(&table, __popcorn_sites, (size_t)(__popcorn_sites_end - __popcorn_sites)) ||
        table.nframes > __popcorn_func_count)
        return -E_NOEXEC;
    described = private_pages((table.nsites + 1UL) * sizeof *described);
    walk_init();
    return described ? 0 : -E_NOMEM;
}

static const struct site_description *describe(const struct popcorn_live *live) {
    uint32_t n = popcorn_live_count(live);
    struct site_description *d = pool_take(sizeof *d + n * sizeof *d->slot);
    if (!d)
        return NULL;
    d->number = live->site;
    d->function = live->function;
    d->nslots = live->nslots;
    d->nvalues = n;
    d->flags = live->flags;
    uint32_t slot = popcorn_live_slot(live, 0);
    for (uint32_t i = 0; i < n; i++, slot = popcorn_live_slot(live, slot + 1))
        d->slot[i] = (uint16_t)slot;
    __atomic_store_n(&described[live->site], d, __ATOMIC_RELEASE);
    return d;
}

const struct site_description *site_describe(uint32_t number) {
    struct popcorn_live live;
    if (number >= table.nsites)
        return NULL;
    const struct site_description *d = __atomic_load_n(&described[number], __ATOMIC_ACQUIRE);
    return d || !popcorn_live_open(&table, number, &live) ? d : describe(&live);
}

static bool decode_locations(struct site *s, const struct popcorn_site *entry) {
    uint32_t n = s->image ? 1 : s->what->nvalues;
    for (uint32_t i = 0; i < n; i++) {
        if (!popcorn_site_location(entry, s->image ? 0 : s->what->slot[i], &s->location[i]) ||
            s->location[i].reg >= MACHINE_NREGS)
            return false;
    }
    return true;
}

static bool decode_rule(struct site *s, struct popcorn_rule *rule) {
    for (uint32_t i = 0; i < rule->nsaved; i++)
        if (!popcorn_rule_next(rule, &s->saved[i]) || s->saved[i].reg >= MACHINE_NREGS)
            return false;
    return rule->cfa_reg < MACHINE_NREGS;
}

/* In a resume body the one location is the frame image; elsewhere there is one for each value. */
static int decode(const struct popcorn_site *entry, struct site **out) {
    const struct site_description *d = NULL;
    struct popcorn_rule rule;
    if (!popcorn_rule_open(&table, entry->rule, &rule) || rule.nsaved > MACHINE_NREGS)
        return -E_INVAL;
    if (entry->site != POPCORN_SITE_IN_IMAGE && !(d = site_describe(entry->site)))
        return -E_NOMEM;
    uint32_t nlocations = entry->image ? 1 : d->nvalues;
    struct site *s = pool_take(sizeof *s + nlocations * sizeof *s->location + rule.nsaved * sizeof *s->saved);
    if (!s)
        return -E_NOMEM;
    s->return_address = entry->address;
    s->what = d;
    s->image = entry->image;
    s->cfa_reg = (uint16_t)rule.cfa_reg;
    s->cfa_offset = rule.cfa_offset;
    s->nsaved = rule.nsaved;
    s->location = (struct popcorn_location *)(s + 1);
    s->saved = (struct popcorn_saved *)(s->location + nlocations);
    if (!decode_locations(s, entry) || !decode_rule(s, &rule))
        return -E_INVAL;
    *out = s;
    return 0;
}

static const struct site **hash(uint64_t return_address) {
    return &known[(return_address ^ return_address >> 12) % HASHES];
}

static void keep(struct site *s) {
    const struct site **list = hash(s->return_address);
    s->next = __atomic_load_n(list, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(list, &s->next, s, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
}

static int find_slowly(uint64_t return_address, const struct site **out) {
    uint32_t place[table.nslots + 1];
    struct popcorn_site entry;
    struct site *s = NULL;
    if (!popcorn_sites_find(&table, return_address, place, &entry))
        return entry.entries.bad ? -E_INVAL : -E_NOENT;
    int error = decode(&entry, &s);
    if (error)
        return error;
    keep(s);
    *out = s;
    return 0;
}

int site_find(uint64_t return_address, const struct site **out) {
    const struct site *s = __atomic_load_n(hash(return_address), __ATOMIC_ACQUIRE);
    while (s && s->return_address != return_address)
        s = s->next;
    *out = s;
    return s ? 0 : find_slowly(return_address, out);
}

int stack_function_at(uint64_t return_address) {
    const struct site *s;
    return site_find(return_address, &s) || !s->what ? -1 : (int)s->what->function;
}

static const char *next_name(const char *name) {
    while (*name)
        name++;
    return name + 1;
}

const char *stack_function_name(uint64_t return_address) {
    int f = stack_function_at(return_address);
    const char *name = __popcorn_names;
    for (int i = 0; i < f; i++)
        name = next_name(name);
    return f < 0 ? NULL : name;
}

int stack_function_find(const char *name) {
    const char *at = __popcorn_names;
    for (uint32_t f = 0; f < __popcorn_func_count; f++, at = next_name(at))
        if (text_equal(at, name))
            return (int)f;
    return -1;
}
