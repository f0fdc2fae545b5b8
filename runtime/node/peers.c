/* SPDX-License-Identifier: MIT */
/* The nodes' processes as the origin knows them: a socket each, which ends when either side does. */
#include "base/descriptors.h"
#include "base/lock.h"
#include "base/own_signal.h"
#include "memory/memory.h"
#include "node/internal.h"
#include "thread/native.h"
#include "thread/threads.h"

#define GOODBYE 1000000000L     /* nanoseconds for the nodes' processes to end */
#define FIRST_PAUSE 1000000000L /* nanoseconds until a node that failed is tried again */
#define LONGEST_PAUSE 64000000000L

enum { POLL_IN = 1, POLL_HANGUP = 0x10 };

struct poll {
    int fd;
    int16_t events, revents;
};

static int peer_socket[POPCORN_CONTROL_NODES]; /* 0: none */
static struct popcorn_lock peers_lock;
static atomic_bool ending; /* the nodes are being let go */

bool node_runs(int nid) {
    return __atomic_load_n(&popcorn_control()->node[nid].state, __ATOMIC_ACQUIRE) == POPCORN_NODE_RUNNING;
}

bool node_failed(int nid) {
    return __atomic_load_n(&popcorn_control()->node[nid].state, __ATOMIC_ACQUIRE) == POPCORN_NODE_FAILED &&
           kernel_nanoseconds() < atomic_load(&node_room(nid)->retry);
}

/* What is missing is most likely still missing at the next point, but perhaps not for ever. */
void node_fail(int nid) {
    struct node_room *room = node_room(nid);
    room->pause = room->pause ? 2 * room->pause : FIRST_PAUSE;
    room->pause = room->pause < LONGEST_PAUSE ? room->pause : LONGEST_PAUSE;
    atomic_store(&room->retry, kernel_nanoseconds() + room->pause);
    __atomic_store_n(&popcorn_control()->node[nid].state, POPCORN_NODE_FAILED, __ATOMIC_RELEASE);
}

/* From now on the run time's own signal comes when the other end closes, whatever the threads are waiting
 * for. */
void peers_enter(int nid, int socket) {
    KERNEL(NR_fcntl, socket, FCNTL_SETSIG, own_signal);
    KERNEL(NR_fcntl, socket, FCNTL_SETOWN, popcorn_control()->pid);
    KERNEL(NR_fcntl, socket, FCNTL_SETFL, OPEN_RDWR | OPEN_ASYNC);
    lock_take(&peers_lock);
    if (peer_socket[nid]) /* of a process that has left */
        descriptors_drop(peer_socket[nid]);
    peer_socket[nid] = socket;
    lock_release(&peers_lock);
}

int peers_socket(int nid) {
    return peer_socket[nid];
}

/* Which peers there are, for ppoll(); their number. */
static int list_peers(struct poll *poll, int *nid) {
    int n = 0;
    for (int i = 0; i < POPCORN_CONTROL_NODES; i++)
        if (peer_socket[i]) {
            poll[n] = (struct poll){.fd = peer_socket[i], .events = POLL_IN};
            nid[n++] = i;
        }
    return n;
}

static void close_peer(int nid) {
    descriptors_drop(peer_socket[nid]);
    peer_socket[nid] = 0;
}

/* A peer says nothing after its greeting: anything that poll reports is its end. */
static int close_dead_peers(const struct kernel_time *wait) {
    struct poll poll[POPCORN_CONTROL_NODES];
    int nid[POPCORN_CONTROL_NODES], n = list_peers(poll, nid);
    if (n == 0 || KERNEL(NR_ppoll, poll, n, wait, 0, 8) <= 0)
        return n;
    for (int i = 0; i < n; i++)
        if (poll[i].revents) {
            if (node_runs(nid[i]))
                node_fail(nid[i]);
            close_peer(nid[i]);
        }
    return n;
}

void peers_check(void) {
    const struct kernel_time now = {0, 0};
    lock_take(&peers_lock);
    close_dead_peers(&now);
    lock_release(&peers_lock);
}

/* Has its process ended since something of the run time itself is wrong? */
static bool met_fault(int nid) {
    return !node_runs(nid) && __atomic_load_n(&popcorn_control()->node[nid].told, __ATOMIC_ACQUIRE);
}

/* A dead node that a thread was on, or whose end is the program's anyway; or -1. */
static int find_loss(void) {
    int lost = -1;
    for (int i = 0; i < (int)popcorn_control()->nnodes; i++)
        lost = met_fault(i) ? i : lost;
    threads_lock();
    for (const struct popcorn_thread *t = popcorn_control()->threads; t; t = t->next) {
        uint32_t place = atomic_load(&t->mailbox->place);
        if (MAILBOX_PHASE(place) == MAILBOX_RUNNING && !node_runs(MAILBOX_NODE(place)))
            lost = MAILBOX_NODE(place);
    }
    threads_unlock();
    return lost;
}

void local_look(void) {
    if (atomic_load(&ending))
        return;
    peers_check();
    int lost = find_loss();
    if (lost >= 0)
        peers_died(lost);
}

void peers_died(int nid) {
    while (atomic_load(&ending)) { /* nothing is lost: another thread is ending the program */
        struct kernel_time tick = {0, NODE_TICK};
        KERNEL(NR_nanosleep, &tick, 0);
    }
    if (__atomic_load_n(&popcorn_control()->node[nid].told, __ATOMIC_ACQUIRE)) {
        local_end();
        KERNEL(NR_exit_group, NODE_EXIT_DIED);
    }
    nodes_died(nid);
}

void local_end(void) {
    int64_t end = kernel_nanoseconds() + GOODBYE;
    atomic_store(&ending, true);
    lock_take(&peers_lock);
    for (int i = 0; i < POPCORN_CONTROL_NODES; i++)
        if (peer_socket[i])
            KERNEL(NR_shutdown, peer_socket[i], 1); /* what we send: the node reads the end */
    struct kernel_time tick = {0, NODE_TICK};
    while (close_dead_peers(&tick) > 0 && kernel_nanoseconds() < end)
        ;
    for (int i = 0; i < POPCORN_CONTROL_NODES; i++) /* stopped, or too busy: its socket is there, so is it */
        if (peer_socket[i])
            KERNEL(NR_kill, popcorn_control()->node[i].pid, SIGNAL_KILL);
    lock_release(&peers_lock);
}

void local_forked(void) {
    atomic_store(&peers_lock.word, 0);
    atomic_store(&ending, false);
    for (int i = 0; i < POPCORN_CONTROL_NODES; i++)
        if (peer_socket[i])
            close_peer(i);
}

void local_make_forget(int nid) {
    struct node_room *room = node_room(nid);
    int64_t end = kernel_nanoseconds() + NODE_PATIENCE;
    while (node_runs(nid)) {
        service_call(nid);
        uint32_t seen = atomic_load(&room->answer);
        if (atomic_load(&room->forgotten) == atomic_load(&room->stale))
            return;
        if (kernel_nanoseconds() > end)
            popcorn_fatal("a node's process does not answer", NODE_EXIT_DIED);
        bell_wait(&room->answer, seen, NODE_TICK);
        peers_check();
    }
}

/* Waits for the thread's workers, as long as those that are left may still come to their end. */
static void await_workers(struct popcorn_mailbox *box) {
    const struct popcorn_control *control = popcorn_control();
    int64_t end = kernel_nanoseconds() + NODE_PATIENCE;
    for (uint32_t left; (left = atomic_load(&box->workers)) > 0 && kernel_nanoseconds() < end;) {
        bell_wait(&box->workers, left, NODE_TICK);
        peers_check();
        uint32_t dead = 0;
        for (int i = 0; i < (int)control->nnodes; i++)
            dead += box->worker[i] && !node_runs(i);
        if (atomic_load(&box->workers) <= dead)
            return;
    }
}

void local_thread_ends(struct popcorn_thread *thread) {
    struct popcorn_mailbox *box = thread->mailbox;
    const struct popcorn_control *control = popcorn_control();
    uint32_t place = atomic_exchange(&box->place, MAILBOX_PLACE(MAILBOX_ENDED, 0));
    if (MAILBOX_NODE(place) != control->origin)
        atomic_fetch_sub(&node_room(MAILBOX_NODE(place))->present, 1);
    for (int i = 0; i < (int)control->nnodes; i++)
        if (box->worker[i])
            bell_ring(&box->bell[i]);
    if (atomic_load(&box->workers))
        await_workers(box);
}
