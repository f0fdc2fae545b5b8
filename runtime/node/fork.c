/* SPDX-License-Identifier: MIT */
/*
 * A fork by a thread that is on a node and cannot come home for it, since it is in a signal handler or its
 * stack cannot be captured. What it has there natively goes along: its process there forks, too. In this
 * order:
 *
 *   1. The origin makes a copy of the memory file and a socket, and sends both to the node's process.
 *   2. There the thread's worker forks. The new process moves to the copy and greets. It has this thread only,
 *      and ends when that leaves.
 *   3. The origin forks. The child moves to the copy as well, and has the socket.
 *
 * Should anything fail before the child has it, the socket closes, and the new process ends as nodes do.
 */
#include "base/descriptors.h"
#include "memory/memory.h"
#include "node/internal.h"
#include "thread/native.h"

#define SOCKET_LEVEL 1
#define SOCKET_RIGHTS 1 /* SCM_RIGHTS */
#define FORK_FILES 2

/* struct cmsghdr with two descriptors, as Linux has it on every ISA here. */
struct rights {
    uint64_t length;
    int32_t level, type;
    int32_t file[FORK_FILES]; /* the copy, the socket */
};

/*
 * At the origin.
 */

/* Between local_fork() and what follows it, in the parent and in the child. */
static struct {
    int node, socket;
    int32_t pid;
} forked = {.node = -1};

static uint64_t last_ticket; /* of a fork: a message that nobody took is not the next one's */

static int send_files(int socket, uint64_t ticket, int memory, int theirs) {
    struct rights rights = {sizeof rights, SOCKET_LEVEL, SOCKET_RIGHTS, {memory, theirs}};
    struct kernel_vector vector = {&ticket, sizeof ticket};
    struct kernel_message message = {
        .vector = &vector, .vectors = 1, .control = &rights, .control_size = sizeof rights};
    long n = KERNEL(NR_sendmsg, socket, &message, MESSAGE_NOSIGNAL | MESSAGE_DONTWAIT);
    return n == sizeof ticket ? 0 : -E_AGAIN;
}

static int ask_node(struct popcorn_thread *thread, int memory, const int pair[2], struct greeting *hello) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct mailbox_call *call = &box->call[atomic_load(&box->calls) - 1];
    uint32_t split = MAILBOX_SPLIT;
    int nid = MAILBOX_NODE(atomic_load(&box->place));
    char reason[POPCORN_REASON_SIZE];
    int r = send_files(peers_socket(nid), ++last_ticket, memory, pair[1]);
    KERNEL(NR_close, pair[1]);
    if (r)
        return r;
    call->argument[0] = (long)last_ticket;
    atomic_store(&call->state, MAILBOX_SPLIT);
    bell_ring(&box->bell[nid]);
    r = node_await_greeting(pair[0], hello, reason);
    atomic_compare_exchange_strong(&call->state, &split, MAILBOX_POSTED);
    return r ? -E_AGAIN : 0;
}

int local_fork(struct popcorn_thread *thread, int memory) {
    int pair[2];
    struct greeting hello;
    int r = (int)KERNEL(NR_socketpair, FAMILY_UNIX, TYPE_SEQPACKET | OPEN_CLOEXEC, 0, pair);
    if (r)
        return r;
    pair[0] = descriptors_keep(pair[0]);
    r = ask_node(thread, memory, pair, &hello);
    if (r) {
        descriptors_drop(pair[0]);
        return r;
    }
    forked.node = MAILBOX_NODE(atomic_load(&thread->mailbox->place));
    forked.socket = pair[0];
    forked.pid = hello.pid;
    return 0;
}

int node_forked(void) {
    return forked.node;
}

void node_fork_adopt(void) {
    if (forked.node < 0)
        return;
    popcorn_control()->node[forked.node].pid = forked.pid;
    peers_enter(forked.node, forked.socket);
    forked.node = -1;
}

void node_fork_end(void) {
    descriptors_drop(forked.socket);
    forked.node = -1;
}

/*
 * On the node.
 */

/* The files of this fork; those of one that was given up are closed. */
static bool receive_files(uint64_t ticket, int file[FORK_FILES]) {
    for (;;) {
        uint64_t got = 0;
        struct rights rights = {0};
        struct kernel_vector vector = {&got, sizeof got};
        struct kernel_message message = {
            .vector = &vector, .vectors = 1, .control = &rights, .control_size = sizeof rights};
        long n = KERNEL(NR_recvmsg, NODE_SOCKET, &message, MESSAGE_DONTWAIT);
        if (n != sizeof got || rights.length != sizeof rights || rights.type != SOCKET_RIGHTS)
            return false;
        file[0] = rights.file[0];
        file[1] = rights.file[1];
        if (got == ticket)
            return true;
        KERNEL(NR_close, file[0]);
        KERNEL(NR_close, file[1]);
    }
}

/* In the new process, where their native threads are not. */
static void drop_other_workers(const struct popcorn_thread *self) {
    for (struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next) {
        struct native *native = t->native[native_node];
        if (t != self && native)
            native_destroy(native);
        if (t != self)
            t->native[native_node] = NULL;
    }
}

static void become_node(struct popcorn_thread *thread) {
    struct popcorn_mailbox *box = thread->mailbox;
    struct node_room *room = node_room(native_node);
    struct native *native = thread->native[native_node];
    native->tid = (int32_t)KERNEL(NR_gettid);
    box->worker[native_node] = native->tid;
    box->forking = 0;
    popcorn_control()->halt = 0;
    drop_other_workers(thread);
    pause_alone(native);
    __builtin_memset(room, 0, sizeof *room);
    atomic_store(&room->present, 1);
    atomic_store(&room->alone, 1);
}

static int begin_again(struct popcorn_thread *thread, const int file[FORK_FILES], struct greeting *hello) {
    KERNEL(NR_setsid);
    KERNEL(NR_dup3, file[0], NODE_MEMORY, 0);
    KERNEL(NR_dup3, file[1], NODE_SOCKET, 0);
    KERNEL(NR_close, file[0]);
    KERNEL(NR_close, file[1]);
    hello->pid = (int32_t)KERNEL(NR_getpid);
    int r = memory_rejoin(NODE_MEMORY);
    if (r)
        return r;
    become_node(thread);
    return service_watch();
}

/* Its block lies in memory that is another one meanwhile; and nothing but its own faults may interrupt it. */
void worker_fork(struct popcorn_thread *thread, struct mailbox_call *call) {
    int file[FORK_FILES];
    struct native *native = thread->native[native_node];
    uint64_t all = ~(SIGNAL_BIT(SIGNAL_SEGV) | SIGNAL_BIT(SIGNAL_BUS)), mask;
    struct greeting hello = {.magic = GREETING_MAGIC,
                             .layout_hash = node_layout_hash(),
                             .version = POPCORN_CONTROL_VERSION,
                             .node = native_node};
    uint32_t split = MAILBOX_SPLIT;
    uint64_t ticket = (uint64_t)call->argument[0];
    if (!atomic_compare_exchange_strong(&call->state, &split, MAILBOX_POSTED) || !receive_files(ticket, file))
        return;
    KERNEL(NR_rt_sigprocmask, MASK_SET, &all, &mask, 8);
    machine_set_thread_pointer(native->last_tcb);
    long pid = KERNEL(NR_clone, SIGNAL_CHILD, 0, 0, 0, 0);
    if (pid == 0) {
        hello.error = begin_again(thread, file, &hello);
        KERNEL(NR_write, NODE_SOCKET, &hello, sizeof hello);
        if (hello.error)
            KERNEL(NR_exit_group, NODE_EXIT_DIED);
    } else {
        KERNEL(NR_close, file[0]);
        KERNEL(NR_close, file[1]);
    }
    machine_set_thread_pointer(thread->tcb);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &mask, 0, 8);
}
