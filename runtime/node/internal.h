/* SPDX-License-Identifier: MIT */
/*
 * What the files of node/ share. The origin's process and each node's process have the same portable memory;
 * a socket to each node carries the greeting, and its end tells either side that the other is gone. All else
 * goes through memory: a thread's mailbox, and a node's room.
 */
#ifndef NODE_INTERNAL_H
#define NODE_INTERNAL_H

#include <stdatomic.h>

#include "base/home.h"
#include "base/kernel.h"
#include "base/lock.h"
#include "base/message.h"
#include "base/text.h"
#include "memory/layout.h"
#include "node/carrier.h"
#include "node/mailbox.h"
#include "node/nodes.h"
#include "popcorn/backend.h"
#include "popcorn/container.h"
#include "popcorn/control.h"
#include "popcorn/migration.h"
#include "popcorn/stack.h"

#define NODE_TICK 100000000L       /* nanoseconds between looks at whether the others live */
#define NODE_PATIENCE 10000000000L /* how long a living node may take for anything */
#define NODE_SLOW_TICK 1000000000L /* of a service that has no thread to look after */
#define NODE_IDLE 60000000000L     /* a worker has nothing to look at: its process ends with the origin's */
#define NODE_EXIT_DIED 70

enum { FAMILY_UNIX = 1, TYPE_SEQPACKET = 5, MESSAGE_DONTWAIT = 0x40, MESSAGE_NOSIGNAL = 0x4000 };

#define OPEN_ASYNC 020000 /* O_ASYNC */

#define STALE_RANGES 24

struct stale_range {
    uint64_t start, size;
};

/*
 * What a node's process does for others, besides running threads. In portable memory, one a node.
 *
 * Ranges of the arena that the origin changes are stale on nodes that have mapped them. The origin enters
 * them in a ring; the node's service forgets them, each once, before a thread can arrive or get a worker
 * there. A node that no thread is on is not woken for that.
 */
struct node_room {
    _Atomic uint32_t bell;                   /* futex of its service thread */
    _Atomic uint32_t answer;                 /* futex of threads that wait for the service */
    _Atomic(struct popcorn_thread *) wanted; /* threads that want a worker there */
    _Atomic uint32_t present;                /* threads on the node */
    _Atomic uint32_t alone;            /* its process is one that forked: with a single thread, no service */
    _Atomic uint32_t stale, forgotten; /* ranges entered by the origin, done with by the node */
    struct stale_range range[STALE_RANGES];
    _Atomic int64_t retry; /* of a node that has failed: when it may be tried again, CLOCK_MONOTONIC */
    int64_t pause;         /* between the last failure and that */
};
_Static_assert(sizeof(struct node_room) * POPCORN_CONTROL_NODES <= LAYOUT_NODES_SIZE, "layout.h");

/* The greeting on the socket, both ways. */
#define GREETING_MAGIC 0x4e4f4445504f5031ULL
struct greeting {
    uint64_t magic;
    uint64_t layout_hash;
    uint32_t version;
    int32_t node;
    int32_t pid;
    int32_t error; /* of a node that cannot join: a negative errno */
};

/* What an agent tells the process that it makes for a program; the answer is the same with `error` set. */
#define GREETING_AGENT 0x4e4f4445504f5032ULL
struct node_agent_greeting {
    uint64_t magic;
    uint64_t cookie; /* of the clone request */
    int32_t node;    /* this machine's */
    int32_t error;   /* a negative errno */
};

/* Descriptors with which a node's process begins. (NODE_MEMORY: the memory file, or /dev/popcorn.) */
enum { NODE_SOCKET = 3, NODE_MEMORY = 4, NODE_IMAGE = 5 };

static inline struct node_room *node_room(int nid) {
    return (struct node_room *)LAYOUT_NODES + nid;
}

extern const uint64_t __popcorn_layout_hash __attribute__((weak));

/* With nodes that are machines: the node that is this machine, or -1. */
static inline int node_of_machine(int machine) {
    const struct popcorn_control *control = popcorn_control();
    for (int nid = 0; nid < (int)control->nnodes; nid++)
        if (control->node[nid].machine == machine)
            return nid;
    return -1;
}

static inline uint64_t node_layout_hash(void) {
    return &__popcorn_layout_hash ? __popcorn_layout_hash : 0;
}

/* The parts of struct home (base/home.h) that are the same for all carriers: nodes.c, shadow.c, worker.c,
 * halt.c. */
enum home_forwarding nodes_forward_signal(struct popcorn_thread *, int sig, const struct signal_action *,
                                          const void *info, uint64_t *mask);
void nodes_take_signal(struct popcorn_thread *, struct interrupted *);
void nodes_unpin(struct popcorn_thread *, int pinned);
bool nodes_halt(void);
void nodes_release(void);

/* nodes.c: chooses. At the start of a process. */
void nodes_carried_by(const struct carrier *);
/* Writes why a hop is refused to `reason` (POPCORN_REASON_SIZE bytes) and returns `error`. */
int node_refuse(char *reason, const char *what, const char *more, int error);
/*
 * Makes the portable memory one that other nodes can share, before there is any to share it with. Stops the
 * other threads for it. 0, or a negative errno with its reason; nothing has changed then.
 */
int node_share_memory(char *reason);
/* Ends the program, since a node died with a thread on it. */
_Noreturn void nodes_died(int nid);

/* peers.c, halt.c, service.c: of the local carrier. */
void local_settle(void);
void local_make_forget(int nid);
void local_call_to_halt(const struct popcorn_thread *);
void local_look(void);
void local_end(void);
int local_fork(struct popcorn_thread *, int memory);
void local_forked(void);
void local_thread_ends(struct popcorn_thread *);
/* worker.c, shadow.c: likewise. */
long local_call(struct popcorn_thread *, long number, const long argument[6]);
void local_tell_shadow(struct popcorn_thread *);
void local_forget_calls(struct popcorn_thread *, uint32_t keep);
void local_shadow(struct popcorn_thread *);
void shadow_remove_signal(struct popcorn_mailbox *, struct mailbox_signal *);
/* The innermost signal that the thread has been told of, or NULL. */
struct mailbox_signal *shadow_top_signal(struct popcorn_mailbox *);
void local_attend(struct popcorn_thread *, struct mailbox_signal *, uint32_t seen, int64_t nanoseconds);
void local_nudge(struct popcorn_thread *);

/* mailbox.c: how many calls had been posted when the innermost handler began that is running, of the first
 * `depth` signals; 0 if none is. */
uint32_t mailbox_base(struct popcorn_mailbox *, uint32_t depth);

/* mailbox.c: a bell is a futex that counts. */
void bell_ring(_Atomic uint32_t *bell);
/* Waits until the bell no longer shows `seen`, a signal comes, or the time is over. */
void bell_wait(_Atomic uint32_t *bell, uint32_t seen, int64_t nanoseconds);

/* start.c (origin): sees to it that a node's process runs. 0, or a negative errno with a reason. */
int node_start(int nid, char reason[POPCORN_REASON_SIZE]);
extern struct popcorn_lock node_start_lock; /* held meanwhile */
/* start.c: why a process or a thread could not be made. */
const char *node_start_error(long error);
/* start.c (origin): waits for the greeting of a process that has just been started. */
int node_await_greeting(int socket, struct greeting *, char reason[POPCORN_REASON_SIZE]);

/* peers.c (origin): marks nodes whose process is gone as failed. */
void peers_check(void);
/* Takes note of a new node's socket. */
void peers_enter(int nid, int socket);
/* The socket to a node that runs. */
int peers_socket(int nid);
/* Is the node's process known to run? In any process. */
bool node_runs(int nid);
/* Has the node failed, so lately that it is not tried again yet? In any process. */
bool node_failed(int nid);
/* Takes note of a node's failure (origin). */
void node_fail(int nid);
/* As nodes_died(), unless the program is ending anyway. */
_Noreturn void peers_died(int nid);

/* shadow.c: carries out a call of the thread, on its shadow. */
long shadow_carry_out(struct popcorn_thread *, long number, const long argument[6]);

/* shadow.c: before a call of the thread is carried out. */
void shadow_settle_signal(struct popcorn_thread *);

/*
 * The shadow looks at the thread's block only while it carries a call out, and has one of its own from here
 * on. Else that says what the thread is doing elsewhere, in a cancellation point or out of it, and no system
 * call of the shadow's own may end by that; between machines it may not even be here.
 */
void shadow_leave_block(struct popcorn_thread *);

/* worker.c: waits, on the thread's native thread in a node's process, until the thread comes here, and goes
 * on with it. */
_Noreturn void worker_wait(struct popcorn_thread *);

/* fork.c (origin): the node whose process local_fork() has made for the child, or -1. */
int node_forked(void);
/* fork.c: in the parent: that process is none of its own. */
void node_fork_end(void);
/* fork.c: in the child: that process is its own from now on. */
void node_fork_adopt(void);
/* fork.c, on a node: the origin wants the process to fork with this thread, which waits for the call. */
void worker_fork(struct popcorn_thread *, struct mailbox_call *);

/* arrive.c: if the thread has been sent here, takes it and goes on with it. */
void arrive_if_sent(struct popcorn_thread *);

/* halt.c: on a node, outside critical sections: waits if the origin has told all threads to. */
void halt_here(struct popcorn_thread *);
/* halt.c: on a node: waits until that is over. */
void halt_wait(void);

/*
 * pause.c: threads stand still while the program is stopped. In a node's process of the local carrier: from
 * now on it can be seen; workers enter, and leave with their signals blocked; the service looks, and is told
 * when to look again, in nanoseconds. In a process that has one worker alone and no service: sees to it by
 * itself.
 */
void pause_start(void);
void pause_enter(struct native *);
void pause_leave(struct native *);
int64_t pause_look(bool thread_here);
void pause_alone(struct native *);
/* Has a patience that ends then come to its end? Not while the origin cannot answer, nor soon after. */
bool pause_patience_ends(int64_t end);

/* service.c: on a node, one thread at a time: forgets what is stale. */
void service_forget(struct node_room *);

/* service.c: the service of a node's process. */
_Noreturn void service_run(void);
/* service.c: from now on this process ends when the origin does. 0 or a negative errno. */
int service_watch(void);
/* service.c: in a process that is alone, does what the service does elsewhere; and refuses threads. */
void service_alone(void);
/* service.c, in any process: wakes a node's service. */
void service_call(int nid);
/* Starts a native thread of a node's process on a stack of its own. Its tid, or a negative errno. */
long service_thread(int (*run)(void *), void *argument, uintptr_t stack);

/* kernel.c (origin): opens /dev/popcorn and lists the machines, those of POPCORN_NODES (may be NULL) if it
 * names any. 0, or a negative errno with one line. */
int kernel_start(struct popcorn_node_list *, const char *nodes, const struct popcorn_manifest *, char *error);

/* kernel_node.c: the process is a program's on this machine; `greeting` is the agent's. Never returns. */
_Noreturn void kernel_node_run(const struct node_agent_greeting *greeting);

#endif
