/* SPDX-License-Identifier: MIT */
/* Chains of frame records: writing one from a stack, and checking one that came from elsewhere. */

#include "base/kernel.h"
#include "base/text.h"
#include "floating.h"
#include "internal.h"

#define FIRST_BUFFER (64 * 1024UL)

int chain_reserve(struct popcorn_thread *thread, size_t bytes) {
    if (thread->records_size >= bytes)
        return 0;
    size_t size = thread->records_size ? thread->records_size : FIRST_BUFFER;
    while (size < bytes)
        size *= 2;
    uint8_t *buffer = popcorn_portable_map(size);
    if (!buffer)
        return -E_NOMEM;
    uint8_t *old = thread->records;
    size_t old_size = thread->records_size;
    thread->records = buffer;
    thread->records_size = size;
    if (old)
        popcorn_portable_unmap(old, old_size);
    return 0;
}

/* Writes from the buffer's end downward, so the innermost frame, met first, comes last. */
struct chain_writer {
    uint8_t *begin, *at;
    uint64_t frames;
    size_t setjmps; /* of them, frames of functions that call setjmp */
};

static struct frame_record *chain_put(struct chain_writer *w, uint32_t site, uint32_t nvalues) {
    if ((size_t)(w->at - w->begin) < record_size(nvalues))
        return NULL;
    w->at -= record_size(nvalues);
    struct frame_record *r = (struct frame_record *)w->at;
    r->site = site;
    r->nvalues = nvalues;
    return r;
}

static int chain_write(struct chain_writer *w, struct frame_walk *walk, uint64_t landing_value,
                       char *reason) {
    struct frame_record *landing = chain_put(w, POPCORN_SITE_LANDING, 1);
    if (!landing)
        return CHAIN_FULL;
    landing->values[0] = landing_value;
    while (walk->site) {
        bool setjmp_called = walk->what->flags & POPCORN_SITE_SETJMP;
        struct frame_record *r = chain_put(w, walk->what->number, walk->what->nvalues);
        if (!r)
            return CHAIN_FULL;
        int error = walk_values(walk, r->values, reason);
        if (!error)
            error = walk_up(walk, reason);
        if (error)
            return error;
        w->frames++;
        w->setjmps += setjmp_called;
    }
    return 0;
}

static int no_memory(char *reason) {
    struct text t = text_begin(reason, STACK_REASON_SIZE);
    text_string(&t, "no memory for the thread's frame records");
    return -E_NOMEM;
}

int chain_capture(struct chain *chain, const struct popcorn_thread *thread,
                  const struct machine_context *context, uint64_t value, char reason[STACK_REASON_SIZE]) {
    struct frame_walk walk;
    struct chain_writer writer = {.begin = chain->low, .at = chain->high};
    int error = walk_begin(&walk, thread, context, reason);
    if (!error)
        error = chain_write(&writer, &walk, value, reason);
    chain->outermost = (struct frame_record *)writer.at;
    chain->frames = writer.frames;
    chain->setjmps = writer.setjmps;
    return error;
}

int stack_capture(struct popcorn_thread *thread, const struct machine_context *context, uint64_t value,
                  enum popcorn_landing landing, char reason[STACK_REASON_SIZE]) {
    struct chain chain;
    int error = CHAIN_FULL;
    for (size_t size = FIRST_BUFFER; error == CHAIN_FULL; size = thread->records_size * 2) {
        if (chain_reserve(thread, size))
            return no_memory(reason);
        chain = (struct chain){.low = thread->records, .high = thread->records + thread->records_size};
        error = chain_capture(&chain, thread, context, value, reason);
    }
    if (!error && entries_reserve(thread, chain.setjmps))
        return no_memory(reason);
    if (error)
        return error;
    thread->outermost = chain.outermost;
    thread->frames = chain.frames;
    thread->bytes = (uint64_t)(chain.high - (uint8_t *)chain.outermost);
    thread->landing = landing;
    thread->from = thread->node;
    thread->floating = floating_environment();
    return 0;
}

static bool names_site(const struct frame_record *r) {
    if (r->site == POPCORN_SITE_LANDING)
        return r->nvalues == 1;
    const struct site_description *d = site_describe(r->site);
    return d && d->nvalues == r->nvalues;
}

bool record_sound(const struct frame_record *r, const uint8_t *end) {
    size_t left = (size_t)(end - (const uint8_t *)r);
    return (const uint8_t *)r <= end && left >= RECORD_HEAD && left >= record_size(r->nvalues) &&
           names_site(r);
}

int stack_validate(const struct popcorn_thread *thread) {
    const uint8_t *at = (const uint8_t *)thread->outermost;
    const uint8_t *end = thread->records + thread->records_size;
    if (at < thread->records || at > end || (uintptr_t)at % 8 || (uint64_t)(end - at) != thread->bytes)
        return -E_INVAL;
    for (uint64_t frames = 0;; frames++) {
        const struct frame_record *r = (const struct frame_record *)at;
        if (!record_sound(r, end))
            return -E_INVAL;
        at += record_size(r->nvalues);
        if (r->site == POPCORN_SITE_LANDING)
            return at == end && frames == thread->frames ? 0 : -E_INVAL;
    }
}
