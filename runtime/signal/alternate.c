/* SPDX-License-Identifier: MIT */
/*
 * The program's alternate signal stack, by the rules of the kernel's sigaltstack(). It holds what handlers
 * have on the data stack; their native frames lie on a stack of the run time's own, which is always there. So
 * the stack pointer that the rules speak of is the data stack's.
 */
#include "base/current.h"
#include "base/kernel.h"
#include "signal/internal.h"

#define ALTERNATE_ON 1 /* SS_ONSTACK */
#define ALTERNATE_AUTODISARM ((int32_t)0x80000000)
#define ALTERNATE_LEAST 2048 /* MINSIGSTKSZ of the common ABI */

static const struct room_alternate none = {.flags = ROOM_ALTERNATE_NONE};

/* A stack that disarms itself is not in use while it is set. */
static bool in_use(const struct room_alternate *stack, uint64_t sp) {
    return !(stack->flags & ALTERNATE_AUTODISARM) && sp > stack->base && sp - stack->base <= stack->size;
}

static long set(struct room_alternate *mine, const struct room_alternate *wanted, uint64_t sp) {
    int32_t mode = wanted->flags & ~ALTERNATE_AUTODISARM;
    if (in_use(mine, sp))
        return -E_PERM;
    if (mode != 0 && mode != ALTERNATE_ON && mode != ROOM_ALTERNATE_NONE)
        return -E_INVAL;
    if (mode != ROOM_ALTERNATE_NONE && wanted->size < ALTERNATE_LEAST)
        return -E_NOMEM;
    bool empty = mode == ROOM_ALTERNATE_NONE;
    *mine = (struct room_alternate){empty ? 0 : wanted->base, wanted->flags, 0, empty ? 0 : wanted->size};
    return 0;
}

long signals_alternate(const void *new_stack, void *old_stack) {
    struct popcorn_thread *thread = popcorn_current();
    struct room_alternate *mine = &room_of(thread)->alternate;
    struct room_alternate wanted, before = *mine;
    uint64_t sp = *signals_data_stack(thread);
    if (new_stack && machine_from_user(&wanted, new_stack, sizeof wanted))
        return -E_FAULT;
    long r = new_stack ? set(mine, &wanted, sp) : 0;
    if (r || !old_stack)
        return r;
    before.flags &= ALTERNATE_AUTODISARM;
    before.flags |= !before.size ? ROOM_ALTERNATE_NONE : in_use(&before, sp) ? ALTERNATE_ON : 0;
    return machine_to_user(old_stack, &before, sizeof before);
}

uint64_t alternate_top(struct popcorn_thread *thread, uint64_t sp) {
    const struct room_alternate *mine = &room_of(thread)->alternate;
    return mine->size && !in_use(mine, sp) ? mine->base + mine->size : 0;
}

bool alternate_holds(struct popcorn_thread *thread, uint64_t sp, uint64_t frame) {
    const struct room_alternate *mine = &room_of(thread)->alternate;
    return !in_use(mine, sp) || in_use(mine, frame);
}

struct room_alternate alternate_begin(struct popcorn_thread *thread) {
    struct room_alternate *mine = &room_of(thread)->alternate;
    struct room_alternate before = *mine;
    if (before.flags & ALTERNATE_AUTODISARM)
        *mine = none;
    return before;
}

void alternate_end(struct popcorn_thread *thread, const struct room_alternate *saved, uint64_t sp) {
    set(&room_of(thread)->alternate, saved, sp);
}
