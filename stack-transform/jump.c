/* SPDX-License-Identifier: MIT */
/*
 * setjmp and longjmp across hops. A jmp_buf is good for a native jump as long as the native stack on which
 * setjmp was called is the same: thread->epoch says so. Otherwise the frame of the function that called
 * setjmp has been resumed since, and is replaced in place: its resume body runs from the record stored at
 * setjmp time, followed by a landing that returns longjmp's value. For that it takes to know with which
 * registers the frame was entered. Unwinding could tell, but not out of a signal handler; so it is noted when
 * such a function is resumed, under the base of its data-stack frame, the one name that a frame keeps
 * everywhere.
 */
#include "popcorn/jump.h"
#include "base/home.h"
#include "base/kernel.h"
#include "base/text.h"
#include "internal.h"
#include "signal/signals.h"

_Static_assert(MACHINE_JUMP_WORDS <= POPCORN_JUMP_NATIVE_WORDS, "jmp_buf is too small for this ISA");

int popcorn_setjmp(struct popcorn_jump *jump, int savemask, struct frame_record *area, uint64_t base);
void *popcorn_resume_entry(const struct machine_context *context, const struct frame_record *record);

static void **data_stack(void) {
    return (void **)((char *)machine_thread_pointer() + POPCORN_TCB_DATA_STACK);
}

static void swap_mask(const uint64_t *set, uint64_t *old) {
    const long argument[6] = {MASK_SET, (long)set, (long)old, sizeof *set};
    if (home_here)
        signals_mask(MASK_SET, set, old, sizeof *set);
    else
        home->call(popcorn_current(), NR_rt_sigprocmask, argument);
}

int popcorn_setjmp(struct popcorn_jump *jump, int savemask, struct frame_record *area, uint64_t base) {
    const struct popcorn_thread *thread = popcorn_current();
    jump->epoch = thread ? thread->epoch : 0;
    jump->thread = thread;
    jump->stack = thread ? thread->stack : NULL;
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
    char line[128];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "longjmp: cannot go back to setjmp: ");
    text_string(&t, why);
    popcorn_fatal(line, EXIT_ABORTED);
}

void jump_chain_at(struct frame_record *record, const struct frame_record *area, uint64_t value) {
    __builtin_memcpy(record, area, record_size(area->nvalues));
    struct frame_record *landing = record_inner(record);
    landing->site = POPCORN_SITE_LANDING;
    landing->nvalues = 1;
    landing->values[0] = value;
}

/* The record of setjmp's frame followed by a landing, in the hop buffer. */
static struct frame_record *jump_chain(struct popcorn_thread *thread, const struct frame_record *area,
                                       uint64_t value) {
    size_t size = record_size(area->nvalues) + record_size(1);
    if (chain_reserve(thread, size))
        popcorn_fatal("longjmp: no memory for a frame record", EXIT_ABORTED);
    struct frame_record *record = (struct frame_record *)(thread->records + thread->records_size - size);
    jump_chain_at(record, area, value);
    return record;
}

/*
 * Where resumed functions that call setjmp were called from, outermost first: bases descend, as the data
 * stack grows down. Good for the native stack at hand only. A frame that returned stays in the list until one
 * at its place or farther out is noted.
 */
struct stack_entry {
    uint64_t base;
    struct machine_context context;
};

struct stack_entries {
    size_t bytes; /* of the whole block */
    size_t count;
    struct stack_entry entry[];
};

#define FIRST_ENTRIES (16 * 1024UL)

int entries_reserve(struct popcorn_thread *thread, size_t count) {
    struct stack_entries *old = thread->entries;
    size_t needed = sizeof *old + count * sizeof *old->entry, bytes = old ? old->bytes : FIRST_ENTRIES;
    if (!count || (old && needed <= bytes))
        return 0;
    while (bytes < needed)
        bytes *= 2;
    struct stack_entries *new = popcorn_portable_map(bytes);
    if (!new)
        return -E_NOMEM;
    if (old)
        __builtin_memcpy(new, old, sizeof *old + old->count * sizeof *old->entry);
    new->bytes = bytes;
    thread->entries = new;
    if (old)
        popcorn_portable_unmap(old, old->bytes);
    return 0;
}

void entries_clear(struct popcorn_thread *thread) {
    if (thread->entries)
        thread->entries->count = 0;
}

void stack_thread_end(struct popcorn_thread *thread) {
    if (thread->records)
        popcorn_portable_unmap(thread->records, thread->records_size);
    if (thread->entries)
        popcorn_portable_unmap(thread->entries, thread->entries->bytes);
    thread->records = NULL;
    thread->records_size = 0;
    thread->entries = NULL;
}

/* Drops the frames that lie farther in than `base`. */
static struct stack_entry *entry_find(struct stack_entries *list, uint64_t base) {
    while (list && list->count && list->entry[list->count - 1].base < base)
        list->count--;
    struct stack_entry *last = list && list->count ? &list->entry[list->count - 1] : NULL;
    return last && last->base == base ? last : NULL;
}

void *popcorn_resume_entry(const struct machine_context *context, const struct frame_record *record) {
    struct popcorn_thread *thread = popcorn_current();
    uint64_t base = record->values[0];
    struct stack_entry *entry = entry_find(thread->entries, base);
    if (!entry) {
        struct stack_entries *list = thread->entries;
        if (entries_reserve(thread, list ? list->count + 1 : 1))
            popcorn_fatal("no memory to note the frame of a function that called setjmp", EXIT_ABORTED);
        list = thread->entries;
        entry = &list->entry[list->count++];
        entry->base = base;
    }
    entry->context = *context;
    return resume_body(record);
}

/* A jump leads to a frame farther out than the one it is made from, if that is on this stack at all. */
static bool leads_out(const struct popcorn_thread *thread, const struct machine_context *from,
                      const struct machine_context *to) {
    struct popcorn_native_stack stack = popcorn_native_stack(thread);
    uint64_t sp = from->reg[MACHINE_SP];
    return sp < stack.low || sp > stack.high || sp < to->reg[MACHINE_SP];
}

bool jump_area_sound(const struct frame_record *area) {
    const struct site_description *d = site_describe(area->site);
    return d && d->nvalues == area->nvalues && d->flags & POPCORN_SITE_SETJMP;
}

static void check_area(const struct frame_record *area) {
    if (!area)
        lost("it was called through a pointer");
    if (!jump_area_sound(area))
        lost("its stored frame has been overwritten");
}

static _Noreturn void jump_by_rebuilding(struct popcorn_thread *thread, const struct machine_context *context,
                                         const struct popcorn_jump *jump, int value) {
    const struct stack_entry *entry = entry_find(thread->entries, jump->base);
    if (!entry || !leads_out(thread, context, &entry->context))
        lost("the function that called it has returned");
    check_area(jump->area);
    struct frame_record *record = jump_chain(thread, jump->area, (uint64_t)value);
    thread->landing = POPCORN_LANDING_JUMP;
    /* The new frame lies elsewhere than the one it replaces: other jmp_bufs of this function are stale now.
     */
    thread->epoch++;
    *data_stack() = (void *)(uintptr_t)jump->data_stack;
    machine_resume_call(&entry->context, resume_body(record), record);
}

/* A buffer that no setjmp has filled names anything. */
static void touch_named(const struct popcorn_jump *jump) {
    if (jump->area)
        machine_touch(jump->area, sizeof *jump->area);
    if (jump->stack)
        machine_touch(jump->stack, sizeof *jump->stack);
}

_Noreturn long popcorn_longjmp(const struct machine_context *context, struct popcorn_jump *jump, int value) {
    struct popcorn_thread *thread = popcorn_current();
    machine_touch(jump, sizeof *jump);
    if (jump->mask_saved)
        swap_mask(&jump->mask, NULL);
    if (value == 0)
        value = 1;
    if (!thread || (jump->epoch == thread->epoch && jump->thread == thread)) {
        *data_stack() = (void *)(uintptr_t)jump->data_stack;
        if (thread)
            home->unpin(thread, jump->pinned);
        machine_jump((const struct machine_jump_state *)(const void *)jump->native, value);
    }
    touch_named(jump);
    if (jump->area && jump->stack != thread->stack && context_jump(thread, context, jump, value))
        lost("the function that called it has returned");
    home->unpin(thread, jump->pinned);
    jump_by_rebuilding(thread, context, jump, value);
}
