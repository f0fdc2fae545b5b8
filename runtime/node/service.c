/* SPDX-License-Identifier: MIT */
/*
 * A node's process: joins the program's memory, then has a native thread beside its workers, which serves the
 * node's room. A signal tells it of the socket's end, which is the end of the origin, and so of this process.
 */
#include "base/text.h"
#include "memory/memory.h"
#include "node/internal.h"
#include "node/qemu.h"
#include "popcorn/migration.h"
#include "thread/native.h"

#define THREAD_FLAGS 0x50f00  /* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
#define POLL_OTHER_END 0x2000 /* POLLRDHUP: the other end writes no more, or is closed */
#define MESSAGE_PEEK 2

static void close_and_exit(void) {
    KERNEL(NR_exit_group, 0);
    __builtin_trap();
}

static bool origin_gone(void) {
    struct {
        int fd;
        int16_t events, revents;
    } poll = {NODE_SOCKET, POLL_OTHER_END, 0};
    const struct kernel_time now = {0, 0};
    return KERNEL(NR_ppoll, &poll, 1, &now, 0, 8) != 0;
}

/* In any thread, at any time: something has become of the socket, or a process that is alone is wanted. */
static void on_socket(int sig, void *info, void *ucontext) {
    struct native *native = native_self();
    (void)sig;
    (void)info;
    (void)ucontext;
    if (native)
        native->own_signals++;
    if (origin_gone())
        close_and_exit();
    service_alone();
}

int service_watch(void) {
    machine_sigaction(SIGNAL_IO, on_socket, ACTION_SIGINFO | ACTION_RESTART, 0);
    long r = KERNEL(NR_fcntl, NODE_SOCKET, FCNTL_SETOWN, KERNEL(NR_getpid));
    if (r == 0)
        r = KERNEL(NR_fcntl, NODE_SOCKET, FCNTL_SETFL, OPEN_RDWR | OPEN_ASYNC);
    if (r == 0 && origin_gone())
        r = -E_CONNRESET;
    return (int)r;
}

long service_thread(int (*run)(void *), void *argument, uintptr_t stack) {
    return machine_clone(THREAD_FLAGS, (void *)stack, NULL, NULL, NULL, run, argument);
}

static int worker_main(void *argument) {
    struct native *native = argument;
    machine_set_thread_pointer(native->thread->tcb);
    native_adopt(native);
    native->thread->mailbox->worker[native_node] = native->tid;
    worker_wait(native->thread);
}

/* The thread's sender is waiting: a refusal goes to it. */
static void refuse(struct popcorn_thread *thread, const char *reason) {
    struct popcorn_mailbox *box = thread->mailbox;
    uint32_t sent = MAILBOX_PLACE(MAILBOX_SENT, native_node);
    struct text t = text_begin(box->reason, sizeof box->reason);
    text_string(&t, reason);
    if (atomic_compare_exchange_strong(&box->place, &sent, MAILBOX_PLACE(MAILBOX_REFUSED, native_node)))
        bell_ring(&box->bell[thread->node]);
}

static void refuse_worker(struct popcorn_thread *thread, const char *what, const char *why) {
    char reason[POPCORN_REASON_SIZE];
    struct text t = text_begin(reason, sizeof reason);
    text_string(&t, what);
    text_string(&t, why);
    thread->native[native_node] = NULL;
    atomic_fetch_sub(&thread->mailbox->workers, 1);
    refuse(thread, reason);
}

static void make_worker(struct popcorn_thread *thread) {
    bool main_thread = thread->tid == popcorn_control()->seen_pid;
    atomic_fetch_add(&thread->mailbox->workers, 1);
    struct native *native =
        native_create(thread, main_thread ? native_main_stack(thread) : NATIVE_THREAD_STACK);
    if (!native) {
        refuse_worker(thread, "the node has no memory for the thread", "");
        return;
    }
    pause_enter(native);
    long tid = service_thread(worker_main, native, native->stack_high);
    if (tid < 0) {
        pause_leave(native);
        native_destroy(native);
        refuse_worker(thread, "the node cannot make a thread: ", node_start_error(tid));
    }
}

static void make_workers(struct popcorn_thread *wanted) {
    while (wanted) {
        struct popcorn_thread *next =
            wanted->mailbox->next_wanted; /* the thread may want another node at once */
        make_worker(wanted);
        wanted = next;
    }
}

void service_forget(struct node_room *room) {
    uint32_t stale = atomic_load(&room->stale), done = atomic_load(&room->forgotten);
    if (done == stale)
        return;
    for (; done != stale; done++)
        memory_forget(room->range[done % STALE_RANGES].start, room->range[done % STALE_RANGES].size);
    atomic_store(&room->forgotten, done);
    bell_ring(&room->answer);
}

/* Here is one native thread, and an emulator that forked with others there cannot make new ones. */
void service_alone(void) {
    struct node_room *room = node_room(native_node);
    if (!atomic_load(&room->alone))
        return;
    service_forget(room);
    for (struct popcorn_thread *wanted = atomic_exchange(&room->wanted, NULL), *next; wanted; wanted = next) {
        next = wanted->mailbox->next_wanted;
        refuse(wanted, "the node's process has been forked for another thread, which is there");
    }
}

void service_call(int nid) {
    struct node_room *room = node_room(nid);
    bell_ring(&room->bell);
    if (atomic_load(&room->alone))
        KERNEL(NR_kill, popcorn_control()->node[nid].pid, SIGNAL_IO);
}

void local_settle(void) {
    struct node_room *room = node_room(native_node);
    uint32_t stale = atomic_load(&room->stale);
    service_alone();
    if (atomic_load(&room->forgotten) == stale)
        return;
    bell_ring(&room->bell);
    for (;;) {
        uint32_t seen = atomic_load(&room->answer);
        if ((int32_t)(atomic_load(&room->forgotten) - stale) >= 0)
            return;
        bell_wait(&room->answer, seen, NODE_TICK);
    }
}

/* A worker touches its thread's memory at once: what lay there before must have been forgotten. */
void service_run(void) {
    struct node_room *room = node_room(native_node);
    for (;;) {
        uint32_t seen = atomic_load(&room->bell);
        struct popcorn_thread *wanted = atomic_exchange(&room->wanted, NULL);
        service_forget(room);
        make_workers(wanted);
        bell_wait(&room->bell, seen, pause_look(atomic_load(&room->present)));
    }
}

/* 0, or a negative errno. */
static int join(const struct greeting *origin) {
    const struct popcorn_control *control = popcorn_control();
    home_here = false;
    nodes_carried_by(&local_carrier);
    native_node = origin->node;
    if (origin->layout_hash != node_layout_hash() || origin->version != POPCORN_CONTROL_VERSION)
        return -E_NOEXEC;
    int r = memory_join(NODE_MEMORY);
    if (r)
        return r;
    if (!text_equal(control->magic, POPCORN_CONTROL_MAGIC) || control->pid != origin->pid)
        return -E_NOEXEC;
    r = stack_init();
    if (r)
        return r;
    migration_attach(control->migration);
    signals_start_node();
    pause_start();
    return service_watch();
}

/* Is there a greeting of this magic and size? */
static bool greeted(void *greeting, size_t size, uint64_t magic) {
    long n = KERNEL(NR_recvfrom, NODE_SOCKET, greeting, size, MESSAGE_DONTWAIT | MESSAGE_PEEK);
    if (n != (long)size || *(uint64_t *)greeting != magic)
        return false;
    KERNEL(NR_recvfrom, NODE_SOCKET, greeting, size, MESSAGE_DONTWAIT);
    KERNEL(NR_close, NODE_IMAGE);
    return true;
}

void nodes_enter(int argc, char **argv) {
    struct greeting origin, reply;
    struct node_agent_greeting agent;
    if (argc != 1 || !text_equal(argv[0], NODE_NAME))
        return;
    if (greeted(&agent, sizeof agent, GREETING_AGENT))
        kernel_node_run(&agent);
    if (!greeted(&origin, sizeof origin, GREETING_MAGIC))
        return;
    reply = origin;
    reply.layout_hash = node_layout_hash();
    reply.version = POPCORN_CONTROL_VERSION;
    reply.pid = (int32_t)KERNEL(NR_getpid);
    reply.error = join(&origin);
    KERNEL(NR_write, NODE_SOCKET, &reply, sizeof reply);
    if (reply.error)
        close_and_exit();
    service_run();
}
