/* SPDX-License-Identifier: MIT */
/*
 * A chain becomes a stack: its outermost function's resume body is called on an empty stack, and each resume
 * body calls the next one through __popcorn_inner() until the landing returns to the innermost call.
 */
#include "internal.h"

struct frame_record *__popcorn_enter(struct frame_record *record, void *image) {
    const uint8_t *at = __popcorn_site_blob + __popcorn_site_offset[record->site];
    uint64_t *slots = image;
    *slots = record->site;
    slots += IMAGE_HEAD;
    read_trusted_uleb(&at); /* function */
    read_trusted_uleb(&at); /* flags */
    uint32_t n = read_trusted_uleb(&at);
    for (uint32_t i = 0; i < n; i++) {
        slots += read_trusted_uleb(&at);
        *slots = record->values[i];
    }
    return record_inner(record);
}

void *resume_body(const struct frame_record *record) {
    const uint8_t *at = __popcorn_site_blob + __popcorn_site_offset[record->site];
    return __popcorn_funcs[read_trusted_uleb(&at)].resume;
}

void *__popcorn_inner(struct frame_record *record) {
    struct site_description d;
    if (!site_describe(record->site, &d))
        return (void *)stack_landing;
    if (d.flags & POPCORN_SITE_SETJMP)
        return (void *)(uintptr_t)machine_resume_entry;
    return __popcorn_funcs[d.function].resume;
}

long stack_landing(struct frame_record *record) {
    struct popcorn_thread *thread = popcorn_current();
    long value = (long)record->values[0];
    return thread->landing == POPCORN_LANDING_JUMP ? value : popcorn_landed(thread, value);
}

_Noreturn void stack_rebuild(struct popcorn_thread *thread) {
    struct popcorn_native_stack stack = popcorn_native_stack(thread);
    long (*outermost)(void *) = (long (*)(void *))__popcorn_inner(thread->outermost);
    thread->epoch++;
    entries_clear(thread);
    machine_run((void *)(stack.high & ~15UL), outermost, thread->outermost);
}
