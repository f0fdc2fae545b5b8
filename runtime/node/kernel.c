/* SPDX-License-Identifier: MIT */
/*
 * The kernel carrier: the nodes are machines whose kernels have popcorn.ko.
 * A thread leaves by an ioctl that carries no more than its address, since all that it consists of lies in
 * portable memory, which the module keeps coherent; then its native thread here is its shadow and waits in
 * another ioctl for what the thread asks of it.
 */
#include "base/clock.h"
#include "base/descriptors.h"
#include "memory/memory.h"
#include "node/device.h"
#include "thread/native.h"

static const char *refusal(long error) {
    switch (error) {
    case -E_HOSTUNREACH:
        return "the machine is not connected";
    case -E_HOSTDOWN:
        return "the machine has no agent";
    case -E_CONNRESET:
        return "the connection to the machine was lost";
    case -E_TIMEDOUT:
        return "the machine did not answer in time";
    case -E_NOEXEC:
        return "the machine has no image of the program";
    case -E_PERM:
        return "the machine does not allow it";
    case -E_NOMEM:
        return "the machine has no memory for it";
    }
    return text_error((int)-error);
}

int device_send(struct popcorn_thread *thread, struct native *native, int nid, char *reason) {
    uint64_t address = (uint64_t)thread;
    struct popcorn_mailbox *box = thread->mailbox;
    struct popcorn_migrate migrate = {.nid = (uint32_t)popcorn_control()->node[nid].machine,
                                      .blob = (uint64_t)&address,
                                      .blob_len = sizeof address};
    clock_stamp(box->stamp);
    thread->times.sent = (uint64_t)box->stamp[CLOCK_MONOTONIC];
    atomic_store(&box->place, MAILBOX_PLACE(MAILBOX_SENT, nid));
    if (home_here)
        shadow_leave_block(thread);
    else
        machine_set_thread_pointer(native->last_tcb);
    long r;
    do
        r = device_ioctl(POPCORN_IOC_MIGRATE, &migrate);
    while (r == -E_INTR);
    if (r == 0)
        return 0;
    machine_set_thread_pointer(thread->tcb);
    atomic_store(&box->place, MAILBOX_PLACE(MAILBOX_RUNNING, native_node));
    return node_refuse(reason, refusal(r), "", (int)r);
}

static int send_from_origin(struct popcorn_thread *thread, int nid, char *reason) {
    struct native *native = thread->native[native_node];
    uint32_t *state = &popcorn_control()->node[nid].state;
    bool first = __atomic_load_n(state, __ATOMIC_RELAXED) != POPCORN_NODE_RUNNING;
    if (!kernel_connected(nid))
        return node_refuse(reason, "the machine is not connected, or the program has no image for it", "",
                           -E_NODEV);
    if (memory_has_files())
        return node_refuse(reason, "a shared mapping of a file cannot be on another machine", "", -E_BUSY);
    int r = node_share_memory(reason);
    if (r)
        return r;
    kernel_moved = true;
    critical_enter(); /* no handler may run between here and there */
    r = device_send(thread, native, nid, reason);
    if (r) {
        critical_leave();
        return r;
    }
    if (first)
        __atomic_store_n(state, POPCORN_NODE_RUNNING, __ATOMIC_RELEASE);
    critical_end_of(native);
    native->calls = 0;
    kernel_follow(thread, native);
}

static int send(struct popcorn_thread *thread, int nid, char reason[POPCORN_REASON_SIZE]) {
    struct native *native = thread->native[native_node];
    if (home_here)
        return send_from_origin(thread, nid, reason);
    native->critical++;
    atomic_fetch_sub(&node_room(native_node)->present, 1);
    int r = device_send(thread, native, nid, reason);
    if (r == 0)
        kernel_rest(native);
    atomic_fetch_add(&node_room(native_node)->present, 1);
    kernel_settle();
    native->critical--;
    return r;
}

static void nudge(struct popcorn_thread *thread) {
    struct popcorn_signal signal = {.signo = SIGNAL_USER1, .code = -1};
    (void)thread;
    device_ioctl(POPCORN_IOC_SIGNAL, &signal);
}

static void make_forget(int nid) {
    uint32_t machine = (uint32_t)popcorn_control()->node[nid].machine;
    if (device_ioctl(POPCORN_IOC_TELL, &machine) ==
        -E_TIMEDOUT) /* (otherwise, the program is not there any more) */
        popcorn_fatal("a program's process on another machine does not answer", NODE_EXIT_DIED);
}

static void call_to_halt(const struct popcorn_thread *thread) {
    struct popcorn_signal signal = {.signo = SIGNAL_USER1, .code = -1, .tid = (uint32_t)thread->kernel_tid};
    device_ioctl(POPCORN_IOC_SIGNAL, &signal);
}

static void look(void) {}

/* The module tells the other machines when this process ends. */
static void end(void) {}

/* The thread's native state is on another machine, where no process of the child's is. */
static int fork_there(struct popcorn_thread *thread, int memory) {
    (void)thread;
    (void)memory;
    return -E_AGAIN;
}

/* The child is a program of its own, with a file of its own; if there is none, it stays where it is. */
static void forked(void) {
    descriptors_drop(device_file);
    device_file = descriptors_keep((int)KERNEL(NR_openat, AT_CWD, DEVICE, OPEN_RDWR | OPEN_CLOEXEC, 0));
    kernel_moved = false;
}

/* What ran elsewhere has ended already. */
static void thread_ends(struct popcorn_thread *thread) {
    uint32_t place = atomic_exchange(&thread->mailbox->place, MAILBOX_PLACE(MAILBOX_ENDED, 0));
    if (MAILBOX_NODE(place) != native_node)
        atomic_fetch_sub(&node_room(MAILBOX_NODE(place))->present, 1);
}

const struct carrier kernel_carrier = {
    .backend = {"kernel", kernel_count, kernel_info, send},
    .call = kernel_call,
    .tell_shadow = kernel_tell_shadow,
    .settle = kernel_settle,
    .forget_calls = kernel_forget_calls,
    .shadow = kernel_shadow,
    .attend = kernel_attend,
    .nudge = nudge,
    .first_nudge = 20 * MILLISECOND,
    .make_forget = make_forget,
    .call_to_halt = call_to_halt,
    .look = look,
    .end = end,
    .fork = fork_there,
    .forked = forked,
    .thread_ends = thread_ends,
    .lost = kernel_lost,
};
