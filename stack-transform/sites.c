/* SPDX-License-Identifier: MIT */
/*
 * Looking call sites up. popcorn-ld's table is small and has to be decoded; a stack asks for the same few
 * sites again and again. So a decoded site is kept for good: `decoded` has a pointer for each entry of the
 * table, and `recent`, a direct-mapped cache, saves the binary search. Both only ever gain pointers to
 * complete sites, so threads share them without a lock; two threads decoding the same site waste one copy.
 */

#include "internal.h"
#include "popcorn/text.h"
#include "syscall/kernel.h"

#define RECENT_SITES 1024
#define POOL_CHUNK (256 * 1024UL)

static struct popcorn_sites table;
static struct site **decoded;
static struct site *recent[RECENT_SITES];

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
    if (!popcorn_sites_open(&table, __popcorn_sites, (size_t)(__popcorn_sites_end - __popcorn_sites)))
        return -E_NOEXEC;
    decoded = private_pages((table.count + 1UL) * sizeof *decoded);
    walk_init();
    return decoded ? 0 : -E_NOMEM;
}

bool site_describe(uint32_t number, struct site_description *d) {
    if (number == POPCORN_SITE_LANDING || number >= __popcorn_site_count)
        return false;
    const uint8_t *at = __popcorn_site_blob + __popcorn_site_offset[number];
    d->number = number;
    d->function = read_trusted_uleb(&at);
    d->flags = read_trusted_uleb(&at);
    d->nvalues = read_trusted_uleb(&at);
    d->slots = at;
    return d->function < __popcorn_func_count;
}

static bool decode_locations(struct site *s, struct popcorn_site *entry) {
    for (uint32_t i = 0; i < entry->nvalues; i++) {
        if (!popcorn_site_next(entry, &s->location[i]))
            return false;
        if (s->location[i].kind != POPCORN_CONSTANT && s->location[i].reg >= MACHINE_NREGS)
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
static bool describe_entry(const struct popcorn_site *entry, struct site_description *d) {
    if (entry->site == POPCORN_SITE_IN_IMAGE) {
        *d = (struct site_description){.number = POPCORN_SITE_IN_IMAGE};
        return entry->image && entry->nvalues == 1;
    }
    return site_describe(entry->site, d) && entry->nvalues == (entry->image ? 1 : d->nvalues);
}

static int decode(struct popcorn_site *entry, const struct site **out) {
    struct site_description d;
    struct popcorn_rule rule;
    if (!describe_entry(entry, &d) || !popcorn_rule_open(&table, entry->rule, &rule) ||
        rule.nsaved > MACHINE_NREGS)
        return -E_INVAL;
    struct site *s =
        pool_take(sizeof *s + entry->nvalues * sizeof *s->location + rule.nsaved * sizeof *s->saved);
    if (!s)
        return -E_NOMEM;
    s->return_address = entry->address;
    s->what = d;
    s->image = entry->image;
    s->cfa_reg = (uint16_t)rule.cfa_reg;
    s->cfa_offset = rule.cfa_offset;
    s->nsaved = rule.nsaved;
    s->location = (struct popcorn_location *)(s + 1);
    s->saved = (struct popcorn_saved *)(s->location + entry->nvalues);
    if (!decode_locations(s, entry) || !decode_rule(s, &rule))
        return -E_INVAL;
    *out = s;
    return 0;
}

/* Index of the last entry at or below an address, found by halving. */
static uint32_t table_index(uint32_t wanted) {
    uint32_t low = 0;
    for (uint32_t n = table.count; n > 1;) {
        uint32_t half = n / 2;
        low = table.address[low + half] <= wanted ? low + half : low;
        n -= half;
    }
    return low;
}

static int find_slowly(uint64_t return_address, const struct site **out) {
    uint64_t wanted = return_address - table.text_base;
    if (!table.count || wanted > UINT32_MAX)
        return -E_NOENT;
    uint32_t index = table_index((uint32_t)wanted);
    if (table.address[index] != wanted)
        return -E_NOENT;
    *out = __atomic_load_n(&decoded[index], __ATOMIC_ACQUIRE);
    if (*out)
        return 0;
    struct popcorn_site entry;
    if (!popcorn_sites_at(&table, index, &entry))
        return -E_INVAL;
    int error = decode(&entry, out);
    if (!error)
        __atomic_store_n(&decoded[index], (struct site *)*out, __ATOMIC_RELEASE);
    return error;
}

int site_find(uint64_t return_address, const struct site **out) {
    struct site **place = &recent[(return_address ^ return_address >> 10) % RECENT_SITES];
    *out = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (*out && (*out)->return_address == return_address)
        return 0;
    int error = find_slowly(return_address, out);
    if (!error)
        __atomic_store_n(place, (struct site *)*out, __ATOMIC_RELEASE);
    return error;
}

int stack_function_at(uint64_t return_address) {
    const struct site *s;
    if (site_find(return_address, &s) || s->what.number == POPCORN_SITE_IN_IMAGE)
        return -1;
    return (int)s->what.function;
}

const char *stack_function_name(uint64_t return_address) {
    int f = stack_function_at(return_address);
    return f < 0 ? NULL : __popcorn_names + __popcorn_funcs[f].name;
}

int stack_function_find(const char *name) {
    for (uint32_t f = 0; f < __popcorn_func_count; f++)
        if (text_equal(__popcorn_names + __popcorn_funcs[f].name, name))
            return (int)f;
    return -1;
}
