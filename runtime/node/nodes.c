/* SPDX-License-Identifier: MIT */
/* What the rest of the run time asks of the other processes, handed to the one that carries. */
#include "base/text.h"
#include "memory/memory.h"
#include "node/carrier.h"
#include "node/internal.h"
#include "thread/native.h"
#include "thread/threads.h"

const struct carrier *node_carrier = &local_carrier;
long (*nodes_system_call)(struct popcorn_thread *, long number, const long argument[6]);

static const struct home nodes_home;

void nodes_carried_by(const struct carrier *carrier) {
    node_carrier = carrier;
    popcorn_backend = &carrier->backend;
    home = &nodes_home;
    home_machines = carrier == &kernel_carrier;
}

int node_refuse(char *reason, const char *what, const char *more, int error) {
    struct text t = text_begin(reason, POPCORN_REASON_SIZE);
    text_string(&t, what);
    text_string(&t, more);
    return error;
}

int node_share_memory(char *reason) {
    if (memory_file() >= 0)
        return 0;
    if (!threads_stop_others())
        return node_refuse(reason, "the other threads cannot be stopped to share memory", "", -E_BUSY);
    int r = memory_share();
    threads_release();
    return r ? node_refuse(reason, "memory cannot be shared: ", text_error(-r), r) : 0;
}

static long call(struct popcorn_thread *thread, long number, const long argument[6]) {
    return node_carrier->call(thread, number, argument);
}

/* The caller holds the memory lock, so nobody else enters ranges. */
static void forget(uint64_t address, size_t size, bool all) {
    const struct popcorn_control *control = popcorn_control();
    for (int i = 0; i < (int)control->nnodes; i++) {
        struct node_room *room = node_room(i);
        if (i == control->origin || !node_runs(i))
            continue;
        uint32_t stale = atomic_load(&room->stale);
        if (stale - atomic_load(&room->forgotten) == STALE_RANGES)
            node_carrier->make_forget(i);
        room->range[stale % STALE_RANGES] = (struct stale_range){address, size};
        atomic_store(&room->stale, stale + 1);
        if (all ||
            atomic_load(&room->present)) /* a thread that arrives does the opposite: enters, then looks */
            node_carrier->make_forget(i);
    }
}

static void look(void) {
    node_carrier->look();
}

static void wake(struct popcorn_thread *thread) {
    uint32_t place = atomic_load(&thread->mailbox->place);
    if (MAILBOX_PHASE(place) == MAILBOX_RUNNING && MAILBOX_NODE(place) != native_node)
        node_carrier->nudge(thread);
}

static void end(void) {
    node_carrier->end();
}

static void thread_ends(struct popcorn_thread *thread) {
    node_carrier->thread_ends(thread);
}

static bool away(const struct popcorn_thread *thread) {
    return MAILBOX_NODE(atomic_load(&thread->mailbox->place)) != native_node;
}

static int fork_there(struct popcorn_thread *thread, int memory) {
    return node_carrier->fork(thread, memory);
}

static bool lost(uint64_t address) {
    return node_carrier->lost(address);
}

/* The other processes are the parent's. */
static void forked(void) {
    struct popcorn_control *control = popcorn_control();
    struct popcorn_thread *thread = popcorn_current();
    control->halt = 0;
    atomic_store(&node_start_lock.word, 0);
    node_carrier->forked();
    for (int i = 0; i < POPCORN_CONTROL_NODES; i++) {
        if (i == control->origin || i == node_forked())
            continue;
        control->node[i].pid = 0;
        if (control->node[i].state == POPCORN_NODE_RUNNING)
            control->node[i].state = POPCORN_NODE_ABSENT;
        thread->native[i] = NULL;
        thread->mailbox->worker[i] = 0;
        __builtin_memset(node_room(i), 0, sizeof(struct node_room));
    }
    control->node[control->origin].pid = control->pid;
    atomic_store(&thread->mailbox->workers, node_forked() >= 0);
    atomic_store(&thread->mailbox->forking, 0);
    node_fork_adopt();
}

static const struct home nodes_home = {
    .call = call,
    .take_signal = nodes_take_signal,
    .end = end,
    .forget = forget,
    .look = look,
    .wake = wake,
    .halt = nodes_halt,
    .release = nodes_release,
    .away = away,
    .fork = fork_there,
    .fork_end = node_fork_end,
    .forked = forked,
    .thread_ends = thread_ends,
    .forward_signal = nodes_forward_signal,
    .lost = lost,
    .unpin = nodes_unpin,
};

_Noreturn void nodes_died(int nid) {
    char line[192];
    struct text t = text_begin(line, sizeof line);
    const struct popcorn_node_list *list = nodes_list(); /* (portable memory may be lost) */
    text_string(&t, "the process of node ");
    text_signed(&t, nid);
    text_string(&t, " (");
    text_string(&t, list->name[nid]);
    text_string(&t, list->name[nid][0] && list->isa[nid][0] ? ", " : "");
    text_string(&t, list->isa[nid]); /* (not known if the machine was not there when the program began) */
    text_string(&t, ") died with a thread of the program on it");
    popcorn_fatal(line, NODE_EXIT_DIED);
}

/* Only if somebody has said which node is the first: the numbers of machines say nothing. */
void nodes_begin_elsewhere(void *arguments) {
    struct popcorn_thread *thread = popcorn_current();
    char line[POPCORN_REASON_SIZE + 64], reason[POPCORN_REASON_SIZE];
    if (popcorn_control()->origin == 0 || !nodes_list()->chosen)
        return;
    thread->mailbox->begin = arguments;
    popcorn_backend->send(thread, 0, reason);
    thread->mailbox->begin = NULL;
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "the program starts at its origin: ");
    text_string(&t, reason);
    popcorn_message(line);
}
