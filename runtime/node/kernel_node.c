/* SPDX-License-Identifier: MIT */
/*
 * A program's process on another machine than its own. The agent there has made it, with the user's
 * credentials; it adopts the program, which makes the program's memory its own too, and its first native
 * thread makes one for each thread that comes. When its thread leaves, a native thread waits for it to come
 * again.
 */
#include "base/clock.h"
#include "memory/memory.h"
#include "node/device.h"
#include "thread/native.h"

static atomic_bool met; /* the origin's clocks are known */

static _Noreturn void quit(int code) {
    KERNEL(NR_exit_group, code);
    __builtin_trap();
}

void kernel_leave(struct native *native) {
    kernel_block_signals();
    native_leave(native);
}

/* Anyone here may do it; who comes meanwhile waits. */
void kernel_settle(void) {
    static struct popcorn_lock lock;
    lock_take(&lock);
    service_forget(node_room(native_node));
    lock_release(&lock);
}

/*
 * Threads.
 */

static void set_arriving(int how) {
    uint64_t set = DEVICE_ARRIVING;
    KERNEL(NR_rt_sigprocmask, how, &set, 0, 8);
}

/* The worker's word for a thread: native->argument while nobody is known to be on it. */
static void *pack(const struct popcorn_key *key) {
    return (void *)((uint64_t)key->hop << 32 | key->pid);
}

static struct popcorn_key unpack(const void *argument) {
    uint64_t word = (uint64_t)argument;
    return (struct popcorn_key){
        .event = POPCORN_EVENT_FORK, .pid = (uint32_t)word, .hop = (uint32_t)(word >> 32)};
}

/* The origin may never have sent a thread here itself; it tells of stale memory whoever runs. */
static void note_that_it_runs(void) {
    uint32_t *state = &popcorn_control()->node[native_node].state;
    if (__atomic_load_n(state, __ATOMIC_ACQUIRE) != POPCORN_NODE_RUNNING)
        __atomic_store_n(state, POPCORN_NODE_RUNNING, __ATOMIC_RELEASE);
}

/* Fetches the thread that native->argument names, and is its native thread until it leaves. */
static _Noreturn void receive(struct native *native) {
    uint64_t room[(sizeof(struct popcorn_start) + sizeof(struct popcorn_thread *)) / sizeof(uint64_t)];
    struct popcorn_start *start = (struct popcorn_start *)room;
    start->key = unpack(native->argument);
    long r;
    do
        r = KERNEL(NR_read, device_file, room, sizeof room);
    while (r == -E_INTR && !start->key.hop);
    if (r != sizeof room)
        kernel_leave(native); /* the origin has given up: the thread has never left it; or too many wait */
    kernel_settle();          /* before its memory is touched: something else may have been there */
    struct popcorn_thread *thread = *(struct popcorn_thread **)start->blob;
    native_bind(native, thread);
    machine_set_thread_pointer(thread->tcb);
    native_adopt(native);
    note_that_it_runs();
    clock_meet(thread->mailbox->stamp, !atomic_exchange(&met, true));
    set_arriving(MASK_UNBLOCK);
    do {
        halt_wait();
        arrive_if_sent(thread);
    } while (atomic_load(&thread->mailbox->place) == MAILBOX_PLACE(MAILBOX_SENT, native_node));
    popcorn_fatal("a thread arrived that was not sent", NODE_EXIT_DIED);
}

static int thread_main(void *argument) {
    struct native *native = argument;
    native->tid = (int32_t)KERNEL(NR_gettid);
    receive(native);
}

/* On a stack that is empty again. */
static long rest_and_receive(void *argument) {
    struct native *native = argument;
    const struct popcorn_key key = {.pid = unpack(native->argument).pid};
    const uint64_t set = DEVICE_ARRIVING;
    int32_t tid = native->tid;
    native_rest(native);
    native->tid = tid;
    native->argument = pack(&key);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &set, 0, 8);
    receive(native);
}

void kernel_rest(struct native *native) {
    kernel_block_signals();
    machine_run((void *)native->stack_high, rest_and_receive, native);
}

/* Without memory the thread is not fetched, and its sender's time limit says no. */
static void make_thread(const struct popcorn_key *key, uint32_t main_thread) {
    struct native *native =
        native_create(NULL, key->pid == main_thread ? NATIVE_MAIN_STACK : NATIVE_THREAD_STACK);
    if (!native)
        return;
    native->argument = pack(key);
    if (service_thread(thread_main, native, native->stack_high) < 0)
        native_destroy(native);
}

static _Noreturn void work(uint32_t main_thread) {
    for (;;) {
        struct popcorn_key key;
        long r = device_ioctl(POPCORN_IOC_WORKER, &key);
        if (r == -E_INTR)
            continue;
        if (r || key.event == POPCORN_EVENT_STOP)
            quit(0);
        if (key.event == POPCORN_EVENT_TOLD)
            kernel_settle();
        else
            make_thread(&key, main_thread);
    }
}

/*
 * What a thread asks of its shadow.
 */

/* The last thing a thread asks for: nothing would be left to take the answer. */
static _Noreturn void end_thread(struct popcorn_thread *thread, long number, const long argument[6]) {
    struct native *native = thread->native[native_node];
    struct mailbox_call *call = &thread->mailbox->call[0];
    int32_t code = 0;
    call->number = number;
    for (int i = 0; i < 6; i++)
        call->argument[i] = argument[i];
    native->critical++;
    machine_set_thread_pointer(native->last_tcb);
    device_ioctl(POPCORN_IOC_EXIT, &code);
    kernel_leave(native);
}

/* Waits for the call's end; handlers run meanwhile. Where one of them wants the thread to go, or 0. */
static uint64_t await_result(struct popcorn_thread *thread, struct popcorn_syscall *call, long *error) {
    struct native *native = thread->native[native_node];
    const uint64_t pc = (uint64_t)__builtin_return_address(0);
    uint64_t go_to = pc;
    for (;;) {
        native->critical++;
        *error = device_ioctl(POPCORN_IOC_SYSCALL, call);
        native->critical--;
        if (*error != -E_INTR)
            return go_to != pc ? go_to : 0;
        struct interrupted here = {pc, 0};
        nodes_take_signal(thread, &here);
        go_to = here.pc != pc ? here.pc : go_to;
    }
}

long kernel_call(struct popcorn_thread *thread, long number, const long argument[6]) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct popcorn_syscall call = {.nr = (uint64_t)number};
    long error;
    if (number == NR_exit || number == HOME_UNMAP_SELF)
        end_thread(thread, number, argument);
    if (atomic_load(&box->calls) >= MAILBOX_DEPTH)
        return -E_AGAIN;
    for (int i = 0; i < 6; i++)
        call.args[i] = (uint64_t)argument[i];
    atomic_fetch_add(&box->calls, 1);
    uint64_t go_to = await_result(thread, &call, &error);
    atomic_fetch_sub(&box->calls, 1);
    if (error) /* the origin has ended, or is lost: so does this process, by the module's word */
        kernel_leave(thread->native[native_node]);
    if (go_to)
        ((void (*)(void))go_to)();
    return call.result;
}

void kernel_tell_shadow(struct popcorn_thread *thread) {
    static const long none[6];
    kernel_call(thread, MAILBOX_LOOK, none);
}

void kernel_forget_calls(struct popcorn_thread *thread, uint32_t keep) {
    struct popcorn_syscall call = {.args = {keep}, .flags = POPCORN_SYSCALL_FORGET};
    (void)thread;
    device_ioctl(POPCORN_IOC_SYSCALL, &call);
}

/*
 * The process.
 */

/* 0, or a negative errno. */
static int join(const struct node_agent_greeting *agent, uint32_t *main_thread) {
    const struct popcorn_control *control = popcorn_control();
    struct popcorn_adopt adopt = {.cookie = agent->cookie};
    home_here = false;
    nodes_carried_by(&kernel_carrier);
    device_file = NODE_MEMORY;
    long r = device_ioctl(POPCORN_IOC_ADOPT, &adopt);
    if (r)
        return (int)r;
    if (adopt.pages != DEVICE_PAGES)
        return -E_NOEXEC;
    *main_thread = adopt.tgid;
    r = memory_join(NODE_MEMORY);
    if (r)
        return (int)r;
    if (!text_equal(control->magic, POPCORN_CONTROL_MAGIC) || control->version != POPCORN_CONTROL_VERSION ||
        control->layout_hash != node_layout_hash())
        return -E_NOEXEC;
    native_node = node_of_machine(agent->node);
    if (native_node < 0)
        return -E_NODEV;
    r = stack_init();
    if (r)
        return (int)r;
    migration_attach(control->migration);
    signals_start_node();
    set_arriving(MASK_BLOCK);
    return 0;
}

void kernel_node_run(const struct node_agent_greeting *greeting) {
    struct node_agent_greeting reply = *greeting;
    uint32_t main_thread = 0;
    reply.error = join(greeting, &main_thread);
    KERNEL(NR_write, NODE_SOCKET, &reply, sizeof reply);
    KERNEL(NR_close, NODE_SOCKET);
    if (reply.error)
        quit(1);
    work(main_thread);
}
