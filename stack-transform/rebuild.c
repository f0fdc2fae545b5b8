/* SPDX-License-Identifier: MIT */
/*
 * A chain becomes a stack: its outermost function's resume body is called on an empty stack, and each resume
 * body calls the next one through __popcorn_inner() until the landing returns to the innermost call.
 */
#include "base/critical.h"
#include "floating.h"
#include "internal.h"

/* Records to be rebuilt have been captured here, or validated: so their sites have been described before. */
static const struct site_description *describe(const struct frame_record *record) {
    const struct site_description *d = site_describe(record->site);
    if (!d)
        popcorn_fatal("a frame record of no known call site", EXIT_ABORTED);
    return d;
}

struct frame_record *__popcorn_enter(struct frame_record *record, void *image) {
    const struct site_description *d = describe(record);
    uint64_t *words = image;
    *words = record->site;
    for (uint32_t i = 0; i < d->nvalues; i++)
        words[IMAGE_HEAD + d->slot[i]] = record->values[i];
    return record_inner(record);
}

void *resume_body(const struct frame_record *record) {
    return __popcorn_resume[describe(record)->function];
}

void *__popcorn_inner(struct frame_record *record) {
    if (record->site == POPCORN_SITE_LANDING)
        return (void *)stack_landing;
    const struct site_description *d = describe(record);
    if (d->flags & POPCORN_SITE_SETJMP)
        return (void *)(uintptr_t)machine_resume_entry;
    return __popcorn_resume[d->function];
}

long (*stack_landed)(struct popcorn_thread *, long value);

long stack_landing(struct frame_record *record) {
    struct popcorn_thread *thread = popcorn_current();
    long value = (long)record->values[0];
    if (thread->landing == POPCORN_LANDING_CONTEXT)
        critical_leave();
    else if (thread->landing != POPCORN_LANDING_JUMP)
        value = stack_landed(thread, value);
    return value;
}

_Noreturn void stack_rebuild(struct popcorn_thread *thread) {
    struct popcorn_native_stack stack = popcorn_native_stack(thread);
    long (*outermost)(void *) = (long (*)(void *))__popcorn_inner(thread->outermost);
    thread->epoch++;
    entries_clear(thread);
    floating_set_environment(thread->floating);
    machine_run((void *)(stack.high & ~15UL), outermost, thread->outermost);
}
