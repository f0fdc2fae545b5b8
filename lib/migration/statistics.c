/* SPDX-License-Identifier: MIT */
/* What happened, counted where it happens and written once, as one JSON object, by the origin. */

#include "base/kernel.h"
#include "base/text.h"
#include "shared.h"

#define OPEN_FLAGS (01 | 0100 | 01000 | 02000000) /* O_WRONLY, O_CREAT, O_TRUNC, O_CLOEXEC of asm-generic */

static uint64_t add(uint64_t *counter, uint64_t n) {
    return __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static bool claim(struct refusal *r) {
    uint32_t unclaimed = 0;
    return __atomic_compare_exchange_n(&r->state, &unclaimed, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void tell_refusal(const char *reason) {
    char line[POPCORN_REASON_SIZE + 32];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "hop refused: ");
    text_string(&t, reason);
    popcorn_message(line);
}

/* The first time a reason is met it takes a free place; when all are taken, the last place collects the rest.
 */
static struct refusal *find_refusal(struct migration_shared *shared, const char *reason) {
    for (int i = 0; i < MAX_REASONS; i++) {
        struct refusal *r = &shared->refusal[i];
        if (claim(r)) {
            struct text t = text_begin(r->text, sizeof r->text);
            text_string(&t, i == MAX_REASONS - 1 ? "other reasons" : reason);
            __atomic_store_n(&r->state, 2, __ATOMIC_RELEASE);
            if (shared->verbose)
                tell_refusal(reason);
            return r;
        }
        if (__atomic_load_n(&r->state, __ATOMIC_ACQUIRE) == 2 && text_equal(r->text, reason))
            return r;
    }
    return &shared->refusal[MAX_REASONS - 1];
}

void count_refusal(struct migration_shared *shared, const char *reason) {
    add(&shared->refused, 1);
    add(&find_refusal(shared, reason)->count, 1);
}

static struct hop *hop_place(struct migration_shared *shared, uint64_t index) {
    if (index >= (uint64_t)HOPS_IN_CHUNK * MAX_CHUNKS)
        return NULL;
    struct hop **chunk = &shared->chunk[index / HOPS_IN_CHUNK],
               *got = __atomic_load_n(chunk, __ATOMIC_ACQUIRE);
    if (!got) {
        size_t size = HOPS_IN_CHUNK * sizeof(struct hop);
        struct hop *fresh = popcorn_portable_map(size);
        if (!fresh)
            return NULL;
        if (__atomic_compare_exchange_n(chunk, &got, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            got = fresh;
        else
            popcorn_portable_unmap(fresh, size);
    }
    return got + index % HOPS_IN_CHUNK;
}

static uint32_t span(uint64_t from, uint64_t to) {
    return to <= from ? 0 : to - from > UINT32_MAX ? UINT32_MAX : (uint32_t)(to - from);
}

void count_hop(struct migration_shared *shared, const struct popcorn_thread *thread) {
    const struct popcorn_hop_times *t = &thread->times;
    add(&shared->migrations, 1);
    add(&shared->frames, thread->frames);
    add(&shared->bytes, thread->bytes);
    if (!shared->counting)
        return;
    struct hop *hop = hop_place(shared, add(&shared->hops, 1));
    if (!hop)
        return;
    hop->thread = thread->tid;
    hop->from = (int16_t)thread->from;
    hop->to = (int16_t)thread->node;
    hop->capture = span(t->capture_begin, t->capture_end);
    hop->transfer = span(t->capture_end, t->accepted);
    hop->rebuild = span(t->accepted, t->rebuilt);
    hop->when = t->rebuilt - shared->began;
    hop->frames = thread->frames;
    hop->bytes = thread->bytes;
    __atomic_store_n(&hop->done, 1, __ATOMIC_RELEASE);
}

/* Output through a buffer. */
struct output {
    long fd;
    long error;
    struct text text;
    char buffer[4096];
};

static void flush(struct output *o) {
    const char *at = o->buffer;
    size_t left = text_length(&o->text);
    while (left && !o->error) {
        long n = KERNEL(NR_write, o->fd, at, left);
        if (n == -E_INTR)
            continue;
        if (n <= 0)
            o->error = n ? n : -E_AGAIN;
        else
            at += n, left -= (size_t)n;
    }
    o->text = text_begin(o->buffer, sizeof o->buffer);
}

/* Makes room for a piece of a few hundred bytes. */
static struct text *piece(struct output *o) {
    if (o->text.end - o->text.at < 1024)
        flush(o);
    return &o->text;
}

static void put_count(struct output *o, const char *name, uint64_t value) {
    struct text *t = piece(o);
    text_string(t, "  ");
    text_json(t, name);
    text_string(t, ": ");
    text_unsigned(t, value);
    text_string(t, ",\n");
}

static void put_nodes(struct output *o, const struct popcorn_node_list *nodes) {
    text_string(piece(o), "  \"nodes\": [");
    for (int i = 0; i < nodes->count; i++) {
        text_string(piece(o), i ? ", " : "");
        text_json(piece(o), nodes->isa[i]);
    }
    text_string(piece(o), "],\n");
}

static void put_refusals(struct output *o, struct migration_shared *shared) {
    const char *separator = "\n";
    text_string(piece(o), "  \"refusal_reasons\": [");
    for (int i = 0; i < MAX_REASONS; i++) {
        struct refusal *r = &shared->refusal[i];
        if (__atomic_load_n(&r->state, __ATOMIC_ACQUIRE) != 2)
            continue;
        struct text *t = piece(o);
        text_string(t, separator);
        text_string(t, "    {\"reason\": ");
        text_json(t, r->text);
        text_string(t, ", \"count\": ");
        text_unsigned(t, r->count);
        text_string(t, "}");
        separator = ",\n";
    }
    text_string(piece(o), *separator == ',' ? "\n  ],\n" : "],\n");
}

static void put_hop(struct output *o, const struct hop *h) {
    struct text *t = piece(o);
    text_string(t, "    {\"thread\": ");
    text_signed(t, h->thread);
    text_string(t, ", \"from\": ");
    text_signed(t, h->from);
    text_string(t, ", \"to\": ");
    text_signed(t, h->to);
    text_string(t, ", \"when_us\": ");
    text_thousandths(t, h->when);
    text_string(t, ", \"frames\": ");
    text_unsigned(t, h->frames);
    text_string(t, ", \"bytes\": ");
    text_unsigned(t, h->bytes);
    text_string(t, ", \"capture_us\": ");
    text_thousandths(t, h->capture);
    text_string(t, ", \"transfer_us\": ");
    text_thousandths(t, h->transfer);
    text_string(t, ", \"rebuild_us\": ");
    text_thousandths(t, h->rebuild);
    text_string(t, "}");
}

static void put_hops(struct output *o, struct migration_shared *shared) {
    uint64_t n = shared->hops, listed = 0, room = (uint64_t)HOPS_IN_CHUNK * MAX_CHUNKS;
    const char *separator = "\n";
    text_string(piece(o), "  \"hops\": [");
    for (uint64_t i = 0; i < n && i < room; i++) {
        const struct hop *chunk = shared->chunk[i / HOPS_IN_CHUNK];
        if (!chunk || !__atomic_load_n(&chunk[i % HOPS_IN_CHUNK].done, __ATOMIC_ACQUIRE))
            continue;
        text_string(piece(o), separator);
        put_hop(o, &chunk[i % HOPS_IN_CHUNK]);
        separator = ",\n";
        listed++;
    }
    text_string(piece(o), listed ? "\n  ],\n" : "],\n");
    struct text *t = piece(o);
    text_string(t, "  \"hops_not_listed\": ");
    text_unsigned(t, n - listed);
    text_string(t, "\n");
}

static void put_all(struct output *o, struct migration_shared *shared) {
    text_string(piece(o), "{\n");
    put_nodes(o, &shared->nodes);
    put_count(o, "points", shared->points);
    put_count(o, "migrations", shared->migrations);
    put_count(o, "refusals", shared->refused);
    put_count(o, "frames", shared->frames);
    put_count(o, "bytes", shared->bytes);
    put_refusals(o, shared);
    put_hops(o, shared);
    text_string(piece(o), "}\n");
    flush(o);
}

static void tell_error(const char *path, long error) {
    char line[PATH_SIZE + 64];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "cannot write statistics to ");
    text_string(&t, path);
    text_string(&t, ": ");
    text_string(&t, text_error((int)-error));
    popcorn_message(line);
}

void statistics_print(struct migration_shared *shared) {
    struct output o = {.fd = shared->stats_fd};
    bool file = !text_equal(shared->stats_path, "-");
    o.text = text_begin(o.buffer, sizeof o.buffer);
    if (file)
        o.fd = KERNEL(NR_openat, AT_CWD, shared->stats_path, OPEN_FLAGS, 0666);
    if (o.fd < 0) {
        tell_error(shared->stats_path, o.fd);
        return;
    }
    put_all(&o, shared);
    if (file)
        KERNEL(NR_close, o.fd);
    if (o.error)
        tell_error(shared->stats_path, o.error);
}
