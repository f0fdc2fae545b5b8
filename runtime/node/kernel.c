/* SPDX-License-Identifier: MIT */
/*
 * The kernel carrier: the nodes are machines whose kernels have popcorn.ko.
 * A thread leaves by an ioctl that carries no more than its address, since all that it consists of lies in
 * portable memory, which the module keeps coherent; then its native thread here is its shadow and waits in
 * another ioctl for what the thread asks of it.
 */
#include "memory/backing.h"
#include "memory/memory.h"
#include "node/device.h"
#include "node/digest.h"
#include "syscall/descriptors.h"
#include "syscall/syscall.h"
#include "thread/native.h"
#include "thread/threads.h"

#define RARELY 1000000000L /* nanoseconds between looks for what came just before a wait */
#define MILLISECOND 1000000L

int device_file = -1;

static const struct {
    uint32_t machine;
    const char *isa;
} machines[] = {{62, "x86_64"}, {183, "aarch64"}, {243, "riscv64"}};

static struct popcorn_manifest images;
static bool moved; /* a thread has left, or tried to: pages may be elsewhere */

/*
 * Nodes.
 */

static const char *isa_of(uint32_t machine) {
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (machines[i].machine == machine)
            return machines[i].isa;
    return "";
}

static void name_isa(char to[16], uint32_t machine) {
    struct text t = text_begin(to, 16);
    text_string(&t, isa_of(machine));
}

static bool image_for(const char *isa) {
    for (uint32_t i = 0; i < images.count; i++)
        if (text_equal(images.image[i].isa, isa))
            return true;
    return text_equal(isa, MACHINE_NAME);
}

static int count(void) {
    return (int)popcorn_control()->nnodes;
}

/* At the origin: what the module knows of the machine now. */
static bool connected(int nid) {
    struct popcorn_node_entry *node = &popcorn_control()->node[nid];
    struct popcorn_node_info info = {.nid = (uint32_t)node->machine};
    if (nid == native_node)
        return true;
    if (device_ioctl(POPCORN_IOC_NODE_INFO, &info) || info.state != POPCORN_NODE_UP)
        return false;
    if (!node->isa[0])
        name_isa(node->isa, info.isa);
    return image_for(node->isa);
}

static int info(int nid, struct popcorn_node *out) {
    const struct popcorn_control *control = popcorn_control();
    if (nid < 0 || nid >= (int)control->nnodes)
        return -E_INVAL;
    out->origin = nid == control->origin;
    out->available = nodes_at_origin ? connected(nid) : control->node[nid].isa[0] != 0;
    __builtin_memcpy(out->isa, control->node[nid].isa, sizeof out->isa);
    return 0;
}

static int list_error(char *error, const char *line, const char *more) {
    struct text t = text_begin(error, POPCORN_ERROR_SIZE);
    text_string(&t, "POPCORN_BACKEND=kernel: ");
    text_string(&t, line);
    text_string(&t, more);
    return -E_INVAL;
}

/* All that the module knows of, this one among them; a number that no machine has stays empty. */
static void list_known(struct popcorn_node_list *known, int self) {
    for (int machine = 0; machine < POPCORN_MAX_NODES; machine++) {
        struct popcorn_node_info info = {.nid = (uint32_t)machine};
        known->machine[machine] = machine;
        if (device_ioctl(POPCORN_IOC_NODE_INFO, &info))
            continue;
        if (machine != self && info.state == POPCORN_NODE_DOWN && !info.name[0])
            continue;
        name_isa(known->isa[machine], info.isa);
        struct text name = text_begin(known->name[machine], POPCORN_NODE_NAME);
        text_string(&name, info.name);
        known->count = machine + 1;
    }
}

/* The machine's number, or a negative errno. */
static long open_device(char *error) {
    struct popcorn_info module;
    long fd = KERNEL(NR_openat, AT_CWD, DEVICE, OPEN_RDWR | OPEN_CLOEXEC, 0);
    if (fd == -E_NOENT)
        return list_error(error, "there is no " DEVICE ": the module is not loaded", "");
    if (fd < 0)
        return list_error(error, "cannot open " DEVICE ": ", text_error((int)-fd));
    device_file = descriptors_keep((int)fd);
    if (device_ioctl(POPCORN_IOC_INFO, &module) || module.api != POPCORN_API_VERSION)
        return list_error(error, "the module is of another version", "");
    if (module.nid < 0 || module.nid >= POPCORN_MAX_NODES)
        return list_error(error, "this machine has no number yet: its agent is not running", "");
    if (module.page_size != KERNEL_PAGE)
        return list_error(error, "this machine's pages have another size than 4 KiB", "");
    return module.nid;
}

/* Our own image's pages, as another file of the device is not the same memory: one file for the whole life.
 */
static int open_backing(void) {
    struct popcorn_origin origin = {.pages = DEVICE_PAGES};
    if (!digest_executable(origin.hash))
        return -E_NOEXEC;
    long r = device_ioctl(POPCORN_IOC_ORIGIN, &origin);
    return r ? (int)r : device_file;
}

/* The device cannot be written to: a part of it is mapped for a moment, and filled. */
static long write_backing(int file, uint64_t start, size_t size) {
    long window =
        KERNEL(NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, layout_file_offset(start));
    if (window < 0 && window >= -4095)
        return window;
    struct kernel_vector to = {(void *)window, size}, from = {(void *)start, size};
    long n = KERNEL(NR_process_vm_readv, KERNEL(NR_getpid), &to, 1, &from, 1, 0);
    KERNEL(NR_munmap, window, size);
    return n;
}

static void punch_backing(int file, uint64_t start, size_t size) {
    struct popcorn_range range = {layout_file_offset(start) / KERNEL_PAGE, size / KERNEL_PAGE};
    KERNEL(NR_ioctl, file, POPCORN_IOC_DISCARD, &range);
}

static long present_in_backing(int file, uint64_t *start, uint64_t *end) {
    uint64_t base = *start - layout_file_offset(*start);
    struct popcorn_range range = {layout_file_offset(*start) / KERNEL_PAGE, (*end - *start) / KERNEL_PAGE};
    long r = range.count ? KERNEL(NR_ioctl, file, POPCORN_IOC_PRESENT, &range) : 0;
    if (r)
        return r;
    *start = range.count ? base + range.index * KERNEL_PAGE : *end;
    *end = *start + range.count * KERNEL_PAGE;
    return 0;
}

static const struct memory_backing device_backing = {
    .open = open_backing, .write = write_backing, .present = present_in_backing, .punch = punch_backing};

static bool is_portable(uint64_t address) {
    return layout_in_arena(address, 1) || (address >= POPCORN_DATA_BASE && address < POPCORN_DATA_LIMIT);
}

/* SIGBUS, unless the program handles it: a page is lost with the machine that had it. The thread's native
 * state is in private memory; all else may be lost too. */
static void bus_error(int sig, void *info, void *ucontext) {
    static uint64_t block[POPCORN_TCB_SIZE / sizeof(uint64_t)];
    uint64_t address = ((const uint64_t *)info)[2];
    (void)ucontext;
    machine_set_thread_pointer(block);
    if (moved && is_portable(address))
        popcorn_fatal("memory of the program was on a machine that is lost", NODE_EXIT_DIED);
    signals_die(sig);
}

static int node_in(const struct popcorn_node_list *list, int machine) {
    int nid = 0;
    while (nid < list->count && list->machine[nid] != machine)
        nid++;
    return nid;
}

int kernel_start(struct popcorn_node_list *list, const char *nodes, const struct popcorn_manifest *manifest,
                 char *error) {
    static struct popcorn_node_list known;
    long self = open_device(error);
    if (self < 0)
        return (int)self;
    list_known(&known, (int)self);
    int r = nodes_parse_machines(list, nodes, &known, (int)self, error);
    if (r)
        return r;
    images = *manifest;
    native_node = node_in(list, (int)self);
    memory_backing = &device_backing;
    machine_sigaction(SIGNAL_BUS, bus_error, ACTION_SIGINFO | ACTION_ONSTACK, ~0ULL);
    nodes_carried_by(&kernel_carrier);
    return 0;
}

/*
 * Sending.
 */

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
    if (!nodes_at_origin)
        machine_set_thread_pointer(native->last_tcb);
    long r;
    do
        r = device_ioctl(POPCORN_IOC_MIGRATE, &migrate);
    while (r == -E_INTR);
    if (r == 0)
        return 0;
    if (!nodes_at_origin)
        machine_set_thread_pointer(thread->tcb);
    atomic_store(&box->place, MAILBOX_PLACE(MAILBOX_RUNNING, native_node));
    return node_refuse(reason, refusal(r), "", (int)r);
}

static int send_from_origin(struct popcorn_thread *thread, int nid, char *reason) {
    struct native *native = thread->native[native_node];
    if (!connected(nid))
        return node_refuse(reason, "the machine is not connected, or the program has no image for it", "",
                           -E_NODEV);
    if (memory_has_files())
        return node_refuse(reason, "a shared mapping of a file cannot be on another machine", "", -E_BUSY);
    int r = node_share_memory(reason);
    if (r)
        return r;
    moved = true;
    critical_enter(); /* no handler may run between here and there */
    r = device_send(thread, native, nid, reason);
    if (r) {
        critical_leave();
        return r;
    }
    __atomic_store_n(&popcorn_control()->node[nid].state, POPCORN_NODE_RUNNING, __ATOMIC_RELEASE);
    critical_end();
    native->calls = 0;
    node_carrier->shadow(thread);
    __builtin_trap();
}

static int send(struct popcorn_thread *thread, int nid, char reason[POPCORN_REASON_SIZE]) {
    struct native *native = thread->native[native_node];
    if (nodes_at_origin)
        return send_from_origin(thread, nid, reason);
    native->critical++;
    atomic_fetch_sub(&node_room(native_node)->present, 1);
    int r = device_send(thread, native, nid, reason);
    if (r == 0)
        kernel_leave(native);
    atomic_fetch_add(&node_room(native_node)->present, 1);
    kernel_settle();
    native->critical--;
    return r;
}

/*
 * The shadow.
 */

static void answer(const struct native_call *call, long result) {
    struct popcorn_serve answer = {
        .answer = call->id, .answer_result = result, .flags = POPCORN_SERVE_ANSWER};
    device_ioctl(POPCORN_IOC_SERVE, &answer);
}

/* The innermost call. It is noted in case its frame here is dropped (look_after_orphans()). */
static void carry_out(struct popcorn_thread *thread) {
    struct native *native = thread->native[native_node];
    const struct native_call call = native->call[native->calls - 1];
    long result = shadow_carry_out(thread, call.number, call.argument);
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
    native->calls = s ? s->base : 0;
    native->orphans = s;
    if (state == MAILBOX_ABANDONED)
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
    signals_block_all();
}

/* The thread ended there: the call that it would not wait for lies in its mailbox. */
static void end_thread(struct popcorn_thread *thread) {
    const struct mailbox_call *call = &thread->mailbox->call[0];
    shadow_carry_out(thread, call->number, call->argument);
    popcorn_fatal("a thread did not end", NODE_EXIT_DIED);
}

/* Takes one event. A thread that has come home waits in native->arrived: here may be a signal's handler. */
static void serve(struct popcorn_thread *thread, int64_t nanoseconds) {
    struct native *native = thread->native[native_node];
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
        nodes_died(node_in(nodes_list(), (int)event.nr));
    }
}

static void shadow(struct popcorn_thread *thread) {
    struct native *native = thread->native[native_node];
    for (;;) {
        if (native->arrived) {
            native->arrived = false;
            arrive_if_sent(thread);
        }
        if (native->deferred && MAILBOX_PHASE(atomic_load(&thread->mailbox->place)) == MAILBOX_RUNNING)
            signals_deliver_deferred(native);
        if (native->orphans)
            look_after_orphans(thread);
        serve(thread, native->deferred || native->orphans ? NODE_TICK : RARELY);
    }
}

static void attend(struct popcorn_thread *thread, struct mailbox_signal *s, uint32_t seen,
                   int64_t nanoseconds) {
    (void)s;
    (void)seen;
    const struct native *native = thread->native[native_node];
    if (!native->arrived)
        serve(thread, nanoseconds);
}

static void nudge(struct popcorn_thread *thread) {
    struct popcorn_signal signal = {.signo = SIGNAL_USER1, .code = -1};
    (void)thread;
    device_ioctl(POPCORN_IOC_SIGNAL, &signal);
}

/*
 * The rest at the origin.
 */

static void make_forget(int nid) {
    uint32_t machine = (uint32_t)popcorn_control()->node[nid].machine;
    if (device_ioctl(POPCORN_IOC_TELL, &machine) ==
        -E_TIMEDOUT) /* (otherwise, the program is not there any more) */
        popcorn_fatal("a program's process on another machine does not answer", NODE_EXIT_DIED);
}

static void call_to_halt(const struct popcorn_thread *thread) {
    struct popcorn_signal signal = {.signo = SIGNAL_USER1, .code = -1, .tid = (uint32_t)thread->tid};
    device_ioctl(POPCORN_IOC_SIGNAL, &signal);
}

static void look(void) {}

/* The module tells the other machines when this process ends. */
static void end(void) {}

/* The child is a program of its own, with a file of its own; if there is none, it stays where it is. */
static void forked(void) {
    descriptors_drop(device_file);
    device_file = descriptors_keep((int)KERNEL(NR_openat, AT_CWD, DEVICE, OPEN_RDWR | OPEN_CLOEXEC, 0));
    moved = false;
}

/* What ran elsewhere has ended already. */
static void thread_ends(struct popcorn_thread *thread) {
    uint32_t place = atomic_exchange(&thread->mailbox->place, MAILBOX_PLACE(MAILBOX_ENDED, 0));
    if (MAILBOX_NODE(place) != native_node)
        atomic_fetch_sub(&node_room(MAILBOX_NODE(place))->present, 1);
}

const struct carrier kernel_carrier = {
    .backend = {"kernel", count, info, send},
    .call = kernel_call,
    .tell_shadow = kernel_tell_shadow,
    .settle = kernel_settle,
    .forget_calls = kernel_forget_calls,
    .shadow = shadow,
    .attend = attend,
    .nudge = nudge,
    .first_nudge = 20 * MILLISECOND,
    .make_forget = make_forget,
    .call_to_halt = call_to_halt,
    .look = look,
    .end = end,
    .forked = forked,
    .thread_ends = thread_ends,
};
