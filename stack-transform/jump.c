/* SPDX-License-Identifier: MIT */
/*
 * setjmp and longjmp across hops. A jmp_buf is good for a native jump as long as the native stack on which
 * setjmp was called is the same: thread->epoch says so. Otherwise the frame of the function that called
 * setjmp is found by the base of its data-stack frame, the one name it keeps everywhere, and is replaced in
 * place: its resume body runs from the record stored at setjmp time, followed by a landing that returns
 * longjmp's value.
 */

#include "popcorn/jump.h"
#include "internal.h"
#include "popcorn/text.h"
#include "syscall/kernel.h"

#define MASK_SET 2       /* SIG_SETMASK */
#define EXIT_ABORTED 134 /* what a shell shows for SIGABRT */

_Static_assert(MACHINE_JUMP_WORDS <= POPCORN_JUMP_NATIVE_WORDS, "jmp_buf is too small for this ISA");

long __popcorn_syscall(long n, long a, long b, long c, long d, long e, long f);
int popcorn_setjmp(struct popcorn_jump *jump, int savemask, struct frame_record *area, uint64_t base);
_Noreturn long popcorn_longjmp(const struct machine_context *context, struct popcorn_jump *jump, int value);

static void **data_stack(void) {
    return (void **)((char *)machine_thread_pointer() + POPCORN_TCB_DATA_STACK);
}

static void swap_mask(const uint64_t *set, uint64_t *old) {
    __popcorn_syscall(NR_rt_sigprocmask, MASK_SET, (long)set, (long)old, sizeof *set, 0, 0);
}

int popcorn_setjmp(struct popcorn_jump *jump, int savemask, struct frame_record *area, uint64_t base) {
    const struct popcorn_thread *thread = popcorn_current();
    jump->epoch = thread ? thread->epoch : 0;
    jump->pinned = thread ? thread->pinned : 0;
    jump->area = area;
    jump->base = base;
    jump->data_stack = (uint64_t)(uintptr_t)*data_stack();
    jump->mask_saved = savemask != 0;
    if (savemask)
        swap_mask(NULL, &jump->mask);
    return 0;
}

static _Noreturn void lost(const char *why) {
    char line[STACK_REASON_SIZE + 64];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "longjmp: the function that called setjmp has returned (");
    text_string(&t, why);
    text_string(&t, ")");
    popcorn_fatal(line, EXIT_ABORTED);
}

static void find_frame(struct frame_walk *w, const struct popcorn_thread *thread,
                       const struct machine_context *context, uint64_t base) {
    char reason[STACK_REASON_SIZE];
    int error = walk_begin(w, thread, context, reason);
    for (; !error && w->site; error = walk_up(w, reason)) {
        uint64_t value = 0;
        if (!(w->what.flags & POPCORN_SITE_SETJMP))
            continue;
        if (!walk_first_value(w, &value, reason) && value == base)
            return;
    }
    lost(error ? reason : "no frame of it is left");
}

/* The record of setjmp's frame followed by a landing, in the hop buffer. */
static struct frame_record *jump_chain(struct popcorn_thread *thread, const struct frame_record *area,
                                       uint64_t value) {
    size_t size = record_size(area->nvalues), landing_size = record_size(1);
    if (chain_reserve(thread, size + landing_size))
        popcorn_fatal("longjmp: no memory for a frame record", EXIT_ABORTED);
    uint8_t *at = thread->records + thread->records_size - size - landing_size;
    struct frame_record *record = (struct frame_record *)at;
    record->site = area->site;
    record->nvalues = area->nvalues;
    for (uint32_t i = 0; i < area->nvalues; i++)
        record->values[i] = area->values[i];
    struct frame_record *landing = record_inner(record);
    landing->site = POPCORN_SITE_LANDING;
    landing->nvalues = 1;
    landing->values[0] = value;
    return record;
}

static void check_area(const struct frame_record *area, uint32_t function) {
    struct site_description d;
    if (!site_describe(area->site, &d) || d.nvalues != area->nvalues || d.function != function)
        lost("its stored frame has been overwritten");
}

static _Noreturn void jump_by_rebuilding(struct popcorn_thread *thread, const struct machine_context *context,
                                         const struct popcorn_jump *jump, int value) {
    struct frame_walk walk;
    char reason[STACK_REASON_SIZE];
    if (!jump->area)
        lost("it called setjmp through a pointer");
    find_frame(&walk, thread, context, jump->base);
    check_area(jump->area, walk.what.function);
    if (walk_up(&walk, reason))
        lost(reason);
    struct frame_record *record = jump_chain(thread, jump->area, (uint64_t)value);
    thread->landing = POPCORN_LANDING_JUMP;
    /* The new frame lies elsewhere than the one it replaces: other jmp_bufs of this function are stale now.
     */
    thread->epoch++;
    *data_stack() = (void *)(uintptr_t)jump->data_stack;
    machine_resume_call(&walk.context, __popcorn_inner(record), record);
}

_Noreturn long popcorn_longjmp(const struct machine_context *context, struct popcorn_jump *jump, int value) {
    struct popcorn_thread *thread = popcorn_current();
    if (jump->mask_saved)
        swap_mask(&jump->mask, NULL);
    if (value == 0)
        value = 1;
    if (!thread || jump->epoch == thread->epoch) {
        *data_stack() = (void *)(uintptr_t)jump->data_stack;
        if (thread)
            popcorn_unpin(thread, jump->pinned);
        machine_jump((const struct machine_jump_state *)(const void *)jump->native, value);
    }
    popcorn_unpin(thread, jump->pinned);
    jump_by_rebuilding(thread, context, jump, value);
}
