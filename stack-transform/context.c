/* SPDX-License-Identifier: MIT */
/*
 * Contexts: a thread goes from one data stack to another. The frames on the stack that it leaves become a
 * chain of records, which lies on that stack itself, below their data: so it goes where the program's memory
 * goes, whoever frees the stack frees all of it, and any thread on any ISA can enter it again. The native
 * stack is the thread's, and begins anew.
 *
 * What a ucontext_t holds is a jmp_buf (jump.c): a place in a frame. To enter it is to rebuild the frames of
 * its stack as far as that one, which goes on from the record that setjmp stored.
 */
#include "base/critical.h"
#include "base/home.h"
#include "base/kernel.h"
#include "floating.h"
#include "internal.h"
#include "popcorn/jump.h"

enum leaving { LEAVE_SWAP, LEAVE_SET, LEAVE_END }; /* runtime/libc/src/ucontext/context.h */

#define STACK_ALIGN 16

struct popcorn_stack *__popcorn_make_stack(uint64_t memory, uint64_t size, long (*start)(void *),
                                           void *argument);
long popcorn_set_context(const struct machine_context *context, struct popcorn_jump *jump,
                         struct popcorn_stack *made, long leaving);

struct popcorn_stack *__popcorn_make_stack(uint64_t memory, uint64_t size, long (*start)(void *),
                                           void *argument) {
    struct popcorn_stack *stack = (struct popcorn_stack *)((memory + size - sizeof *stack) & -STACK_ALIGN);
    if (size < sizeof *stack + STACK_ALIGN)
        return NULL;
    *stack =
        (struct popcorn_stack){.low = memory, .high = (uint64_t)stack, .start = start, .argument = argument};
    return stack;
}

static uint64_t *data_stack(const struct popcorn_thread *thread) {
    return (uint64_t *)((char *)thread->tcb + POPCORN_TCB_DATA_STACK);
}

/* Writes the frames on the thread's stack below their data. */
static long keep_frames(struct chain *chain, const struct popcorn_thread *thread,
                        const struct machine_context *context) {
    char reason[STACK_REASON_SIZE];
    uint64_t at = *data_stack(thread) & -8UL;
    if (at < thread->stack->low || at > thread->stack->high)
        return -E_NOTSUP;
    chain->low = (uint8_t *)thread->stack->low;
    chain->high = (uint8_t *)at;
    int error = chain_capture(chain, thread, context, 0, reason);
    return error == CHAIN_FULL ? -E_NOMEM : error ? -E_NOTSUP : 0;
}

/*
 * Nobody can come back to a stack whose frames could not be kept. That is an error if somebody surely wants
 * to: then the thread stays. What a signal handler interrupted cannot be kept.
 */
static long leave(struct chain *chain, const struct popcorn_thread *thread,
                  const struct machine_context *context, enum leaving leaving) {
    long error = leaving == LEAVE_END ? -E_NOTSUP
                 : thread->pinned     ? -E_BUSY
                                      : keep_frames(chain, thread, context);
    if (error)
        chain->outermost = NULL;
    return leaving == LEAVE_SWAP ? error : 0;
}

/* The record of the frame whose data begin at `base`, in a chain that the program could have written to. */
static const struct frame_record *find_frame(const struct frame_record *outermost, uint64_t bytes,
                                             uint64_t base, size_t *setjmps) {
    const uint8_t *end = (const uint8_t *)outermost + bytes;
    const struct frame_record *r = outermost;
    for (*setjmps = 0; record_sound(r, end) && r->site != POPCORN_SITE_LANDING; r = record_behind(r)) {
        if (!(site_describe(r->site)->flags & POPCORN_SITE_SETJMP))
            continue;
        ++*setjmps;
        if (r->values[0] == base)
            return r;
    }
    return NULL;
}

/* What it takes to rebuild a stack's frames as far as one of them. */
struct plan {
    size_t outer, size; /* bytes of the frames outside that one, and of the whole chain */
    size_t setjmps;     /* frames of functions that call setjmp */
};

static bool make_plan(struct plan *plan, const struct frame_record *outermost,
                      const struct popcorn_jump *jump) {
    const struct frame_record *frame = find_frame(outermost, jump->stack->bytes, jump->base, &plan->setjmps);
    if (!frame || !jump_area_sound(jump->area) || jump->area->values[0] != jump->base)
        return false;
    plan->outer = (size_t)((const uint8_t *)frame - (const uint8_t *)outermost);
    plan->size = plan->outer + record_size(jump->area->nvalues) + record_size(1);
    return true;
}

/* Makes room for a jump. Outside critical sections: a thread that is not at home asks there for memory. */
static long prepare(struct plan *plan, struct popcorn_thread *thread, const struct popcorn_jump *jump) {
    const struct frame_record *outermost = __atomic_load_n(&jump->stack->outermost, __ATOMIC_ACQUIRE);
    if (!outermost || !make_plan(plan, outermost, jump))
        return -E_INVAL;
    return chain_reserve(thread, plan->size) || entries_reserve(thread, plan->setjmps) ? -E_NOMEM : 0;
}

/*
 * Puts the chain that ends in setjmp's frame into the hop buffer: the outer frames, then the stored record.
 * No other thread can enter the stack from here on; if one has, meanwhile, the plan may not hold any more.
 */
static long take_frames(const struct plan *plan, struct popcorn_thread *thread,
                        const struct popcorn_jump *jump, int value) {
    struct popcorn_stack *stack = jump->stack;
    struct frame_record *outermost = __atomic_exchange_n(&stack->outermost, NULL, __ATOMIC_ACQ_REL);
    struct plan now;
    if (!outermost)
        return -E_INVAL;
    if (!make_plan(&now, outermost, jump) || now.size > plan->size || now.setjmps > plan->setjmps) {
        __atomic_store_n(&stack->outermost, outermost, __ATOMIC_RELEASE);
        return -E_INVAL;
    }
    uint8_t *at = thread->records + thread->records_size - now.size;
    __builtin_memcpy(at, outermost, now.outer);
    jump_chain_at((struct frame_record *)(at + now.outer), jump->area, (uint64_t)value);
    thread->outermost = (struct frame_record *)at;
    thread->bytes = now.size;
    thread->landing = POPCORN_LANDING_CONTEXT;
    return 0;
}

/* The thread is on the other stack now, and the one it was on can be entered again. */
static void change(struct popcorn_thread *thread, struct popcorn_stack *to, uint64_t data,
                   const struct chain *kept) {
    struct popcorn_stack *from = thread->stack;
    *data_stack(thread) = data;
    thread->stack = to;
    if (!kept->outermost)
        return;
    from->bytes = (uint64_t)(kept->high - (uint8_t *)kept->outermost);
    __atomic_store_n(&from->outermost, kept->outermost, __ATOMIC_RELEASE);
}

static _Noreturn void enter_made(struct popcorn_thread *thread, struct popcorn_stack *stack,
                                 const struct chain *kept) {
    struct popcorn_native_stack native = popcorn_native_stack(thread);
    change(thread, stack, stack->high, kept);
    __atomic_store_n(&stack->outermost, NULL, __ATOMIC_RELAXED);
    thread->epoch++;
    entries_clear(thread);
    critical_leave();
    machine_run((void *)(native.high & ~15UL), stack->start, stack->argument);
}

static long go_to_made(struct popcorn_thread *thread, const struct machine_context *context,
                       struct popcorn_stack *made, enum leaving leaving) {
    struct chain kept = {0};
    critical_enter();
    long error = leave(&kept, thread, context, leaving);
    if (error) {
        critical_leave();
        return error;
    }
    if (thread->pinned)
        home->unpin(thread, 0);
    enter_made(thread, made, &kept);
}

/* To another stack than the thread is on. */
static long go_to_place(struct popcorn_thread *thread, const struct machine_context *context,
                        const struct popcorn_jump *jump, int value, enum leaving leaving) {
    struct chain kept = {0};
    struct plan plan;
    long error = prepare(&plan, thread, jump);
    if (error)
        return error;
    critical_enter();
    error = leave(&kept, thread, context, leaving);
    if (!error)
        error = take_frames(&plan, thread, jump, value);
    if (error) {
        critical_leave();
        return error;
    }
    if (thread->pinned)
        home->unpin(thread, jump->pinned);
    change(thread, jump->stack, jump->data_stack, &kept);
    thread->floating = floating_environment(); /* stays as it is */
    stack_rebuild(thread);
}

long popcorn_set_context(const struct machine_context *context, struct popcorn_jump *jump,
                         struct popcorn_stack *made, long leaving) {
    struct popcorn_thread *thread = popcorn_current();
    popcorn_require_room(thread);
    if (made)
        return go_to_made(thread, context, made, (enum leaving)leaving);
    if (!jump->area)
        return -E_INVAL;
    if (jump->stack == thread->stack)
        popcorn_longjmp(context, jump, 1);
    return go_to_place(thread, context, jump, 1, (enum leaving)leaving);
}

long context_jump(struct popcorn_thread *thread, const struct machine_context *context,
                  const struct popcorn_jump *jump, int value) {
    return go_to_place(thread, context, jump, value, LEAVE_SET);
}
