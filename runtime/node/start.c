/* SPDX-License-Identifier: MIT */
/*
 * Starts a node's process, at the origin. Twice removed, so that the program never has a child that it did
 * not make: an intermediate child starts it and ends at once. It has a session of its own (the terminal's
 * signals are the origin's), standard error, and three descriptors.
 */
#include "base/descriptors.h"
#include "base/lock.h"
#include "base/private.h"
#include "base/text.h"
#include "memory/memory.h"
#include "node/image.h"
#include "node/internal.h"
#include "node/qemu.h"
#include "thread/native.h"
#include "thread/threads.h"

#define START_STACK (64UL << 10)
#define WAIT_ALL 0x40000000 /* __WALL */
#define EXEC_EMPTY_PATH 0x1000
#define LAST_NODE_FD NODE_IMAGE

#define POLL_IN 1

/* What the new process needs, in the memory that it shares with us until it runs its image. */
struct launch {
    int socket, memory, image;
    const char *qemu; /* NULL: the image is this machine's */
    char *argument[QEMU_ARGUMENTS];
    char *stack; /* the second child's */
    volatile long error;
};

struct popcorn_lock node_start_lock;

/* What the program may have of address space and processes is counted where its memory and its threads are:
 * at the origin. An emulator alone may need more. */
static void lift_limit(int resource) {
    uint64_t limit[2], none[2] = {~0UL, ~0UL};
    if (KERNEL(NR_prlimit64, 0, resource, none, limit) == 0 || KERNEL(NR_prlimit64, 0, resource, 0, limit))
        return;
    limit[0] = limit[1];
    KERNEL(NR_prlimit64, 0, resource, limit, 0);
}

/* The node's process itself, until it runs its image. */
static int launch_node(void *argument) {
    struct launch *l = argument;
    char *environment[] = {NULL};
    uint64_t none = 0;
    KERNEL(NR_setsid);
    lift_limit(LIMIT_PROCESSES);
    lift_limit(LIMIT_ADDRESSES);
    KERNEL(NR_dup3, l->socket, NODE_SOCKET, 0);
    KERNEL(NR_dup3, l->memory, NODE_MEMORY, 0);
    KERNEL(NR_dup3, l->image, NODE_IMAGE, 0);
    KERNEL(NR_close, 0);
    KERNEL(NR_close, 1);
    KERNEL(NR_openat, AT_CWD, "/dev/null", OPEN_RDWR, 0);
    KERNEL(NR_openat, AT_CWD, "/dev/null", OPEN_RDWR, 0);
    KERNEL(NR_close_range, LAST_NODE_FD + 1, ~0U, 0);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &none, 0, 8);
    l->error = l->qemu ? KERNEL(NR_execve, l->qemu, l->argument, environment)
                       : KERNEL(NR_execveat, NODE_IMAGE, "", l->argument, environment, EXEC_EMPTY_PATH);
    return 127;
}

static int launch_intermediate(void *argument) {
    struct launch *l = argument;
    long pid = machine_clone(CLONE_VM | CLONE_VFORK, l->stack, NULL, NULL, NULL, launch_node, l);
    if (pid < 0)
        l->error = pid;
    return 0;
}

static long launch(struct launch *l) {
    char *memory = private_memory(2 * START_STACK);
    if (!memory)
        return -E_NOMEM;
    uint64_t all = ~0ULL, before;
    l->stack = memory + START_STACK;
    KERNEL(NR_rt_sigprocmask, MASK_SET, &all, &before, 8);
    long pid = machine_clone(CLONE_VM | CLONE_VFORK, l->stack + START_STACK, NULL, NULL, NULL,
                             launch_intermediate, l);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &before, 0, 8);
    if (pid > 0)
        KERNEL(NR_wait4, pid, 0, WAIT_ALL, 0);
    KERNEL(NR_munmap, memory, 2 * START_STACK);
    return pid < 0 ? pid : l->error;
}

static int greet(int socket, int nid) {
    struct greeting hello = {.magic = GREETING_MAGIC,
                             .layout_hash = node_layout_hash(),
                             .version = POPCORN_CONTROL_VERSION,
                             .node = nid,
                             .pid = popcorn_control()->pid};
    return KERNEL(NR_sendto, socket, &hello, sizeof hello, MESSAGE_NOSIGNAL) == sizeof hello ? 0 : -E_PROTO;
}

int node_await_greeting(int socket, struct greeting *hello, char *reason) {
    struct {
        int fd;
        int16_t events, revents;
    } poll = {socket, POLL_IN, 0};
    struct kernel_time patience = {NODE_PATIENCE / 1000000000, 0};
    long r;
    do
        r = KERNEL(NR_ppoll, &poll, 1, &patience, 0, 8);
    while (r == -E_INTR);
    if (r <= 0)
        return node_refuse(reason, "the node's process does not answer", "", -E_TIMEDOUT);
    r = KERNEL(NR_recvfrom, socket, hello, sizeof *hello, MESSAGE_DONTWAIT);
    if (r != sizeof *hello || hello->magic != GREETING_MAGIC)
        return node_refuse(reason, "the node's process ended as it began", "", -E_PROTO);
    if (hello->version != POPCORN_CONTROL_VERSION || hello->layout_hash != node_layout_hash())
        return node_refuse(reason, "the node's image is not of this program", "", -E_NOEXEC);
    if (hello->error)
        return node_refuse(reason, "the node's process cannot join: ", text_error(-hello->error),
                           hello->error);
    return 0;
}

/* Of a process that died, the threads still have workers. None of them was on one. */
static void forget_workers(int nid) {
    threads_lock();
    for (struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next) {
        if (t->mailbox->worker[nid])
            atomic_fetch_sub(&t->mailbox->workers, 1);
        t->mailbox->worker[nid] = 0;
        t->native[nid] = NULL;
    }
    threads_unlock();
}

static void accept_node(int nid, int socket, const struct greeting *hello) {
    struct popcorn_node_entry *node = &popcorn_control()->node[nid];
    node->pid = hello->pid;
    node->told = 0;
    forget_workers(nid);
    atomic_store(&node_room(nid)->wanted, NULL);
    atomic_store(&node_room(nid)->present, 0);
    atomic_store(&node_room(nid)->stale, 0);
    atomic_store(&node_room(nid)->forgotten, 0);
    atomic_store(&node_room(nid)->alone, 0); /* as that of a fork was, which has left */
    peers_enter(nid, socket);
    __atomic_store_n(&node->state, POPCORN_NODE_RUNNING, __ATOMIC_RELEASE);
}

const char *node_start_error(long error) {
    return error == -E_AGAIN ? "the limit of processes is reached" : text_error((int)-error);
}

static int start_with_socket(int nid, struct launch *l, int ours, char *reason) {
    struct greeting hello;
    int r = greet(ours, nid);
    if (r == 0)
        r = (int)launch(l);
    if (r)
        return node_refuse(reason, "the node's process cannot be started: ", node_start_error(r), r);
    descriptors_drop(l->socket); /* now the node's alone: its end is the end of the process */
    l->socket = -1;
    r = node_await_greeting(ours, &hello, reason);
    if (r == 0)
        accept_node(nid, ours, &hello);
    return r;
}

static int start_with_image(int nid, struct launch *l, char *reason) {
    int pair[2];
    int r = (int)KERNEL(NR_socketpair, FAMILY_UNIX, TYPE_SEQPACKET | OPEN_CLOEXEC, 0, pair);
    if (r)
        return node_refuse(reason, "no socket for the node's process: ", text_error(-r), r);
    int ours = descriptors_keep(pair[0]);
    l->socket = descriptors_keep(pair[1]);
    l->memory = memory_file();
    if (ours <= LAST_NODE_FD || l->socket <= LAST_NODE_FD || l->memory <= LAST_NODE_FD)
        r = node_refuse(reason, "too few descriptors are left", "", -E_MFILE);
    else
        r = start_with_socket(nid, l, ours, reason);
    descriptors_drop(l->socket);
    if (r)
        descriptors_drop(ours);
    return r;
}

static int start_locked(int nid, char *reason) {
    const char *isa = popcorn_control()->node[nid].isa;
    struct qemu qemu;
    struct launch l = {.socket = -1};
    int r = qemu_find(&qemu, isa, reason);
    if (r == 0)
        r = node_share_memory(reason);
    if (r)
        return r;
    l.image = descriptors_keep(image_open(isa, reason));
    if (l.image < 0)
        return l.image;
    l.qemu = qemu.path[0] ? qemu.path : NULL;
    qemu_arguments(&qemu, l.argument);
    r = l.image <= LAST_NODE_FD ? node_refuse(reason, "too few descriptors are left", "", -E_MFILE)
                                : start_with_image(nid, &l, reason);
    descriptors_drop(l.image);
    return r;
}

int node_start(int nid, char reason[POPCORN_REASON_SIZE]) {
    int r = 0;
    lock_take(&node_start_lock);
    if (node_failed(nid))
        r = node_refuse(reason, "the node's process died or could not be started", "", -E_NODEV);
    else if (!node_runs(nid))
        r = start_locked(nid, reason);
    if (r && r != -E_BUSY) /* it is not the node's fault */
        node_fail(nid);
    lock_release(&node_start_lock);
    return r;
}
