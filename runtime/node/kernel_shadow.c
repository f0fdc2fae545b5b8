/* SPDX-License-Identifier: MIT */
/*
 * A thread's native thread at the origin while the thread is on another machine: it carries out what comes by
 * POPCORN_IOC_SERVE.
 */
#include "node/device.h"
#include "thread/native.h"

#define RARELY 1000000000L /* nanoseconds between looks for what came just before a wait */

static void answer(const struct native_call *call, long result) {
    struct popcorn_serve answer = {
        .answer = call->id, .answer_result = result, .flags = POPCORN_SERVE_ANSWER};
    device_ioctl(POPCORN_IOC_SERVE, &answer);
}

/* The innermost call. It is noted in case its frame here is dropped (look_after_orphans()). */
static void carry_out(struct popcorn_thread *thread) {
    struct native *native = thread->native[native_node];
    const struct native_call call = native->call[native->calls - 1];
    void *block = machine_thread_pointer();
    long result = shadow_carry_out(thread, call.number, call.argument);
    machine_set_thread_pointer(block);
    native->calls--;
    answer(&call, result);
}

static void take_call(struct popcorn_thread *thread, const struct popcorn_serve *event) {
    struct native *native = thread->native[native_node];
    struct native_call call = {.id = event->id, .number = (long)event->nr};
    for (int i = 0; i < 6; i++)
        call.argument[i] = (long)event->args[i];
    if (native->calls == NATIVE_CALLS) {
        answer(&call, -E_AGAIN);
        return;
    }
    native->call[native->calls++] = call;
    shadow_settle_signal(thread);
    carry_out(thread);
}

/*
 * A handler was left by longjmp, and with it all native frames here (shadow.c: start_anew()). A handler
 * further out that has returned now had interrupted a call, which is the innermost one: it ends, or is made
 * again.
 */
static void look_after_orphans(struct popcorn_thread *thread) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct native *native = thread->native[native_node];
    struct mailbox_signal *s = shadow_top_signal(box);
    uint32_t state = s ? atomic_load(&s->state) : MAILBOX_FREE;
    bool interrupted = s && s->base;
    native->calls = state == MAILBOX_DONE ? s->base : mailbox_base(box, atomic_load(&box->signals));
    native->orphans = s;
    if (s && (state == MAILBOX_ABANDONED || state == MAILBOX_FREE))
        shadow_remove_signal(box, s);
    if (state != MAILBOX_DONE)
        return;
    bool restart = s->action.flags & ACTION_RESTART;
    KERNEL(NR_rt_sigprocmask, MASK_SET, &s->mask, 0, 8);
    shadow_remove_signal(box, s);
    if (interrupted && restart)
        carry_out(thread);
    else if (interrupted)
        answer(&native->call[--native->calls], -E_INTR);
}

/* Some of it may be lost: from here on nothing looks at it, not even at the thread's block. */
static void leave_portable_memory(struct native *native) {
    machine_set_thread_pointer(native->last_tcb);
    kernel_block_signals();
}

/* The thread ended there: the call that it would not wait for lies in its mailbox. */
static void end_thread(struct popcorn_thread *thread) {
    const struct mailbox_call *call = &thread->mailbox->call[0];
    shadow_carry_out(thread, call->number, call->argument);
    popcorn_fatal("a thread did not end", NODE_EXIT_DIED);
}

/* Takes one event. A thread that has come home waits in native->arrived: here may be a signal's handler. */
static void serve(struct popcorn_thread *thread, struct native *native, int64_t nanoseconds) {
    uint64_t address;
    struct popcorn_serve event = {.blob = (uint64_t)&address,
                                  .blob_len = sizeof address,
                                  .timeout_ms = (uint32_t)(nanoseconds / MILLISECOND)};
    long r = device_ioctl(POPCORN_IOC_SERVE, &event);
    if (r == -E_INTR)
        return;
    if (r)
        popcorn_fatal("the kernel module does not serve the program", NODE_EXIT_DIED);
    switch (event.event) {
    case POPCORN_EVENT_SYSCALL:
        take_call(thread, &event);
        return;
    case POPCORN_EVENT_BACK:
        native->arrived = true;
        return;
    case POPCORN_EVENT_EXIT:
        end_thread(thread);
        return;
    case POPCORN_EVENT_LOST:
        leave_portable_memory(native);
        if ((event.result & 0x7f) == SIGNAL_XCPU) /* its process there has used all its processor time */
            signals_die(SIGNAL_XCPU);
        nodes_died(kernel_node_of(nodes_list(), (int)event.nr));
    }
}

/*
 * It touches neither the thread's memory nor its block before it has to: each page would come here, and go
 * back at once. (Every system call looks at the block, so the shadow has one of its own.)
 */
void kernel_follow(struct popcorn_thread *thread, struct native *native) {
    for (;;) {
        if (native->arrived) {
            native->arrived = false;
            arrive_if_sent(thread);
        }
        if (native->deferred && MAILBOX_PHASE(atomic_load(&thread->mailbox->place)) == MAILBOX_RUNNING)
            signals_deliver_deferred(native);
        if (native->orphans)
            look_after_orphans(thread);
        serve(thread, native, native->deferred || native->orphans ? NODE_TICK : RARELY);
    }
}

void kernel_shadow(struct popcorn_thread *thread) {
    kernel_follow(thread, thread->native[native_node]);
}

void kernel_attend(struct popcorn_thread *thread, struct mailbox_signal *s, uint32_t seen,
                   int64_t nanoseconds) {
    (void)s;
    (void)seen;
    struct native *native = thread->native[native_node];
    if (!native->arrived)
        serve(thread, native, nanoseconds);
}
