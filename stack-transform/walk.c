/* SPDX-License-Identifier: MIT */
/*
 * Walking up a native stack, from call site to call site. The table says where each frame keeps what; all of
 * it is read between the frame's own stack pointer and the end of the stack, never elsewhere: a damaged stack
 * refuses a hop, it does not crash the program.
 */

#include "base/kernel.h"
#include "base/text.h"
#include "internal.h"

static int fail(char *reason, int error, const char *what, uint64_t address) {
    struct text t = text_begin(reason, STACK_REASON_SIZE);
    text_string(&t, what);
    text_string(&t, " ");
    text_hex(&t, address);
    return error;
}

static int fail_in(char *reason, const struct site *s, const char *what) {
    struct text t = text_begin(reason, STACK_REASON_SIZE);
    const char *name = stack_function_name(s->return_address);
    text_string(&t, "frame of ");
    text_string(&t, name ? name : "a resumed function");
    text_string(&t, " at ");
    text_hex(&t, s->return_address);
    text_string(&t, " ");
    text_string(&t, what);
    return -E_FAULT;
}

static bool on_stack(const struct frame_walk *w, uint64_t address, uint64_t size) {
    return address >= w->context.reg[MACHINE_SP] && address <= w->high && w->high - address >= size;
}

static int no_site(int error, uint64_t address, char *reason) {
    if (error == -E_NOENT)
        return fail(reason, error, "no call-site record for return address", address);
    if (error == -E_NOMEM)
        return fail(reason, error, "no memory for the call-site record of", address);
    return fail(reason, error, "damaged call-site record of return address", address);
}

/* Reads 1 to 8 bytes, aligned or not, extended by zeros: all ISAs are little-endian. */
static inline bool read_stack(const struct frame_walk *w, uint64_t address, size_t size, uint64_t *value) {
    *value = 0;
    if (!on_stack(w, address, size))
        return false;
    __builtin_memcpy(value, (const void *)address, size);
    return true;
}

static bool read_location(const struct frame_walk *w, const struct popcorn_location *l, uint64_t *value) {
    uint64_t address = w->context.reg[l->reg] + (uint64_t)l->offset;
    switch (l->kind) {
    case POPCORN_IN_REGISTER:
        *value = w->context.reg[l->reg];
        return true;
    case POPCORN_AT_8:
        return read_stack(w, address, 8, value);
    case POPCORN_AT_4:
        return read_stack(w, address, 4, value);
    case POPCORN_AT_2:
        return read_stack(w, address, 2, value);
    case POPCORN_AT_1:
        return read_stack(w, address, 1, value);
    case POPCORN_CONSTANT:
        *value = (uint64_t)l->offset;
        return true;
    default: /* the address of a native alloca is no portable value */
        return false;
    }
}

/* Finds the frame's image, and in it the site if many share this return address. */
static int look_at_image(struct frame_walk *w, char *reason) {
    const struct popcorn_location *l = w->site->location;
    uint64_t address = w->context.reg[l->reg] + (uint64_t)l->offset;
    bool sound = (l->kind == POPCORN_ADDRESS || read_location(w, l, &address)) && address % 8 == 0 &&
                 on_stack(w, address, IMAGE_HEAD * 8);
    w->image = (const uint64_t *)address;
    if (sound && !w->what && *w->image <= UINT32_MAX)
        w->what = site_describe((uint32_t)*w->image);
    if (!sound || !w->what || !on_stack(w, address, (IMAGE_HEAD + w->what->nslots) * 8UL))
        return fail_in(reason, w->site, "has no frame image on the stack");
    return 0;
}

/* Looks at the frame that the context is in. */
static int look(struct frame_walk *w, char *reason) {
    uint64_t address = w->context.reg[MACHINE_RA];
    w->site = NULL;
    if (address == (uint64_t)(uintptr_t)machine_base)
        return 0;
    int error = site_find(address, &w->site);
    if (error)
        return no_site(error, address, reason);
    w->what = w->site->what;
    return w->site->image ? look_at_image(w, reason) : 0;
}

int walk_begin(struct frame_walk *w, const struct popcorn_thread *thread,
               const struct machine_context *context, char reason[STACK_REASON_SIZE]) {
    struct popcorn_native_stack stack = popcorn_native_stack(thread);
    uint64_t sp = context->reg[MACHINE_SP];
    if (sp < stack.low || sp > stack.high || sp % 8)
        return fail(reason, -E_FAULT, "the thread is not on its own stack: stack pointer", sp);
    w->context = *context;
    w->high = stack.high;
    return look(w, reason);
}

int walk_up(struct frame_walk *w, char reason[STACK_REASON_SIZE]) {
    const struct site *s = w->site;
    uint64_t *reg = w->context.reg;
    uint64_t cfa = reg[s->cfa_reg] + (uint64_t)s->cfa_offset;
    if (cfa <= reg[MACHINE_SP] || cfa > w->high || cfa % 8)
        return fail_in(reason, s, "has no sound end");
    for (uint32_t i = 0; i < s->nsaved; i++) {
        if (!read_stack(w, cfa + (uint64_t)s->saved[i].offset, 8, &reg[s->saved[i].reg]))
            return fail_in(reason, s, "saves a register outside the stack");
    }
    reg[MACHINE_SP] = cfa;
    return look(w, reason);
}

int walk_values(const struct frame_walk *w, uint64_t *values, char reason[STACK_REASON_SIZE]) {
    const struct site *s = w->site;
    const struct site_description *d = w->what;
    if (s->image) {
        for (uint32_t i = 0; i < d->nvalues; i++)
            values[i] = w->image[IMAGE_HEAD + d->slot[i]];
        return 0;
    }
    for (uint32_t i = 0; i < d->nvalues; i++)
        if (!read_location(w, &s->location[i], &values[i]))
            return fail_in(reason, s, "has a live value outside the stack");
    return 0;
}

/* lib/migration's functions that the program calls to make a point. Few of them, if any, are in a program. */
static int interface[3];

void walk_init(void) {
    static const char *const names[] = {"check_migrate", "migrate", "migrate_schedule"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        interface[i] = stack_function_find(names[i]);
}

static bool in_interface(const struct frame_walk *w) {
    for (size_t i = 0; i < sizeof interface / sizeof *interface; i++)
        if ((int)w->what->function == interface[i])
            return true;
    return false;
}

int stack_point_function(const struct popcorn_thread *thread, const struct machine_context *context) {
    char reason[STACK_REASON_SIZE];
    struct frame_walk w;
    int error = walk_begin(&w, thread, context, reason);
    while (!error && w.site && in_interface(&w))
        error = walk_up(&w, reason);
    return error || !w.site ? -1 : (int)w.what->function;
}
