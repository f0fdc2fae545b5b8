/* SPDX-License-Identifier: MIT */
/*
 * The way from a migration point to a hop: does a rule, a request from outside or the program itself want
 * one? Then the thread is captured and rebuilt in place or handed to the backend. Whatever goes wrong before
 * the thread is gone is a refusal: it is counted, and the thread goes on where it is.
 */

#include "base/clock.h"
#include "base/descriptors.h"
#include "base/home.h"
#include "base/kernel.h"
#include "base/text.h"
#include "popcorn/control.h"
#include "popcorn/stack.h"
#include "shared.h"

#define HOPPED 1
#define GATHER INT32_MAX /* as a request: to be with all others, not on a node */

_Static_assert(STACK_REASON_SIZE <= POPCORN_REASON_SIZE, "a capture's reason fits");

const struct popcorn_backend *popcorn_backend;

static struct migration_shared *shared;

static long migration_landed(struct popcorn_thread *, long value);

uint64_t migration_clock(void) {
    return (uint64_t)clock_nanoseconds();
}

/*
 * __popcorn_flag is up while anyone has to look: statistics count points, a thread's rules can fire, a
 * request waits. It may be up for nothing for a moment, never down when needed: after lowering it, look
 * again.
 */
static bool flag_needed(void) {
    return shared->counting || __atomic_load_n(&shared->armed, __ATOMIC_SEQ_CST) > 0 ||
           __atomic_load_n(&shared->requests, __ATOMIC_SEQ_CST) > 0;
}

static void set_flag(char value) {
    __atomic_store_n(&__popcorn_flag, value, __ATOMIC_SEQ_CST);
}

static void update_flag(void) {
    set_flag(flag_needed());
    if (flag_needed())
        set_flag(1);
}

/*
 * Setting up.
 */
static const struct {
    const char *isa, *start, *end;
} popcorn_ranges[] = {
    {"x86_64", "X86_64_MIGRATE_START", "X86_64_MIGRATE_END"},
    {"aarch64", "AARCH64_MIGRATE_START", "AARCH64_MIGRATE_END"},
    {"riscv64", "RISCV64_MIGRATE_START", "RISCV64_MIGRATE_END"},
};

static int read_rules(struct migration_shared *s, char *const *envp, char *error) {
    const char *text = text_variable(envp, "POPCORN_MIGRATE");
    int bad = text && *text ? rules_parse(&s->rules, text, &s->nodes, stack_function_find, error) : 0;
    for (size_t i = 0; !bad && i < sizeof popcorn_ranges / sizeof *popcorn_ranges; i++) {
        const char *start = text_variable(envp, popcorn_ranges[i].start);
        const char *end = text_variable(envp, popcorn_ranges[i].end);
        if (start && end)
            bad = rules_add_range(&s->rules, popcorn_ranges[i].isa, start, end, error);
    }
    return bad;
}

/*
 * Where statistics go: a path, made absolute since the program may change its directory before it ends, or
 * standard error as it is now, since careful programs close theirs before they end.
 */
static int read_stats_path(struct migration_shared *s, const char *path, char *error) {
    if (!path || !*path)
        return 0;
    struct text t = text_begin(s->stats_path, sizeof s->stats_path);
    s->counting = true;
    if (text_equal(path, "-")) {
        s->stats_fd = descriptors_keep((int)KERNEL(NR_fcntl, 2, FCNTL_DUPFD_CLOEXEC, 0));
    } else if (*path != '/') {
        long n = KERNEL(NR_getcwd, s->stats_path, sizeof s->stats_path);
        t.at += n > 1 ? n - 1 : 0;
        text_string(&t, "/");
    }
    text_string(&t, path);
    if (!t.cut)
        return 0;
    t = text_begin(error, POPCORN_ERROR_SIZE);
    text_string(&t, "POPCORN_STATS: the path is too long");
    return -E_INVAL;
}

struct migration_shared *migration_start(char *const *envp, const struct popcorn_node_list *nodes,
                                         char error[POPCORN_ERROR_SIZE]) {
    struct migration_shared *s = popcorn_portable_map(sizeof *s);
    const char *verbose = text_variable(envp, "POPCORN_VERBOSE");
    if (!s) {
        struct text t = text_begin(error, POPCORN_ERROR_SIZE);
        text_string(&t, "no memory for the migration state");
        return NULL;
    }
    s->nodes = *nodes;
    s->began = migration_clock();
    s->verbose = verbose && *verbose && !text_equal(verbose, "0");
    if (read_rules(s, envp, error) || read_stats_path(s, text_variable(envp, "POPCORN_STATS"), error))
        return NULL;
    shared = s;
    stack_landed = migration_landed;
    update_flag();
    return s;
}

void migration_attach(struct migration_shared *s) {
    shared = s;
    stack_landed = migration_landed;
}

void migration_restored(struct migration_shared *s) {
    migration_attach(s);
    if (text_equal(s->stats_path, "-"))
        s->stats_fd = descriptors_keep((int)KERNEL(NR_fcntl, 2, FCNTL_DUPFD_CLOEXEC, 0));
    update_flag();
}

bool migration_wants_nodes(void) {
    for (int i = 0; i < shared->rules.count; i++)
        if (shared->rules.rule[i].where != RULE_SELF)
            return shared->nodes.count > 1;
    return false;
}

/*
 * Threads.
 */
static void flush_points(struct popcorn_trigger_state *s) {
    __atomic_fetch_add(&shared->points, s->points - s->flushed, __ATOMIC_RELAXED);
    s->flushed = s->points;
}

/* A thread that was armed is so no more. */
static void count_disarmed(void) {
    __atomic_sub_fetch(&shared->armed, 1, __ATOMIC_SEQ_CST);
    update_flag();
}

void migration_thread_begin(struct popcorn_thread *thread) {
    thread->request = -1;
    trigger_begin(thread->triggers, &shared->rules, shared->rules.count ? migration_clock() : 0);
    if (thread->triggers->armed) {
        __atomic_add_fetch(&shared->armed, 1, __ATOMIC_SEQ_CST);
        set_flag(1);
    }
}

/* The node that the thread was asked to go to, taken off it, or -1. */
static int take_request(struct popcorn_thread *thread) {
    int nid = __atomic_exchange_n(&thread->request, -1, __ATOMIC_SEQ_CST);
    if (nid >= 0) {
        __atomic_sub_fetch(&shared->requests, 1, __ATOMIC_SEQ_CST);
        update_flag();
    }
    return nid;
}

void migration_thread_end(struct popcorn_thread *thread) {
    flush_points(thread->triggers);
    if (thread->triggers->armed)
        count_disarmed();
    take_request(thread);
}

void migration_forked(struct popcorn_thread *thread) {
    shared->counting = false;
    shared->armed = thread->triggers->armed;
    shared->requests = 0;
    thread->request = -1;
    update_flag();
}

int migration_request(struct popcorn_thread *thread, int nid) {
    if (nid < 0 || nid >= shared->nodes.count)
        return -E_INVAL;
    if (__atomic_exchange_n(&thread->request, nid, __ATOMIC_SEQ_CST) < 0)
        __atomic_add_fetch(&shared->requests, 1, __ATOMIC_SEQ_CST);
    set_flag(1);
    return 0;
}

void (*migration_gather)(struct popcorn_thread *, const struct machine_context *);

void migration_call_together(struct popcorn_thread *thread) {
    if (__atomic_exchange_n(&thread->request, GATHER, __ATOMIC_SEQ_CST) < 0)
        __atomic_add_fetch(&shared->requests, 1, __ATOMIC_SEQ_CST);
    set_flag(1);
}

void migration_asked(struct popcorn_thread *thread, uint64_t value) {
    if ((value & POPCORN_MIGRATE_MASK) == (POPCORN_MIGRATE_VALUE(0) & POPCORN_MIGRATE_MASK))
        migration_request(thread, (int)(uint32_t)value);
}

/*
 * Hopping.
 */
static bool node_is_available(int nid) {
    struct popcorn_node node;
    return !popcorn_backend->info(nid, &node) && node.available;
}

/* Hops are timed for the statistics alone: reading the clock takes longer than rebuilding a small stack. */
static uint64_t hop_clock(void) {
    return shared->counting ? migration_clock() : 0;
}

static long refuse(long error, const char *reason) {
    count_refusal(shared, reason);
    return error;
}

long migration_go(struct popcorn_thread *thread, const struct machine_context *context, int nid, long value,
                  enum popcorn_landing landing) {
    char reason[POPCORN_REASON_SIZE];
    popcorn_require_room(thread);
    thread->times.capture_begin = hop_clock();
    int error = stack_capture(thread, context, (uint64_t)value, landing, reason);
    if (error)
        return refuse(error, reason);
    thread->times.capture_end = hop_clock();
    if (nid == TRIGGER_SELF || nid == thread->node) {
        thread->times.sent = thread->times.accepted = thread->times.capture_end;
        popcorn_hold_signals();
        stack_rebuild(thread);
    }
    return refuse(popcorn_backend->send(thread, nid, reason), reason);
}

static long migration_landed(struct popcorn_thread *thread, long value) {
    thread->times.rebuilt = hop_clock();
    popcorn_release_signals();
    if (thread->landing != POPCORN_LANDING_RESTART)
        count_hop(shared, thread);
    return thread->landing == POPCORN_LANDING_FORK ? popcorn_fork_landed(thread) : value;
}

/* A request from outside comes first; otherwise the first rule that fires here. */
static int point_target(struct popcorn_thread *thread, const struct machine_context *context) {
    struct popcorn_trigger_state *s = thread->triggers;
    int nid = __atomic_load_n(&thread->request, __ATOMIC_RELAXED) < 0 ? -1 : take_request(thread);
    bool was_armed = s->armed;
    if (s->points >= s->due || s->by_address) {
        int function = s->by_address ? stack_point_function(thread, context) : -1;
        int rule = trigger_fire(s, &shared->rules, context->reg[MACHINE_RA], MACHINE_NAME, function,
                                migration_clock);
        if (was_armed && !s->armed)
            count_disarmed();
        if (rule >= 0 && nid < 0)
            return trigger_target(&shared->rules.rule[rule], &shared->nodes, thread->node, node_is_available);
    }
    return nid == thread->node ? TRIGGER_NONE : nid;
}

/* The C halves of the module's ways in (machine.h). */
long popcorn_point(const struct machine_context *context);
long popcorn_migrate_shim(const struct machine_context *context, long nid);

#define POINTS_KEPT 1024 /* counted in the thread before they are added to the program's */

/* At the program's home; a thread that is elsewhere comes there first, and is asked again. */
static void gather(struct popcorn_thread *thread, const struct machine_context *context) {
    if (home_here)
        migration_gather(thread, context);
    else
        migration_go(thread, context, popcorn_control()->origin, HOPPED, POPCORN_LANDING_HOP);
}

/* HOPPED never comes from here, but from the landing; 0: no hop wanted; negative: refused. */
long popcorn_point(const struct machine_context *context) {
    struct popcorn_thread *thread = popcorn_current();
    if (!thread || thread->pinned)
        return 0;
    struct popcorn_trigger_state *s = thread->triggers;
    if (++s->points - s->flushed >= POINTS_KEPT)
        flush_points(s);
    if (s->points < s->due && !s->by_address && __atomic_load_n(&thread->request, __ATOMIC_RELAXED) < 0)
        return 0;
    popcorn_hold_signals();
    int target = point_target(thread, context);
    popcorn_release_signals();
    if (target == GATHER) {
        gather(thread, context);
        return 0;
    }
    return target == TRIGGER_NONE ? 0 : migration_go(thread, context, target, HOPPED, POPCORN_LANDING_HOP);
}

long popcorn_migrate_shim(const struct machine_context *context, long nid) {
    struct popcorn_thread *thread = popcorn_current();
    if (nid < 0)
        return popcorn_point(context);
    if (!thread || nid >= shared->nodes.count)
        return -E_INVAL;
    if (nid == thread->node)
        return 0;
    if (thread->pinned)
        return refuse(-E_BUSY, "the thread is in a signal handler or a vfork child");
    if (!node_is_available((int)nid))
        return refuse(-E_NODEV, "the node is not available");
    return migration_go(thread, context, (int)nid, HOPPED, POPCORN_LANDING_HOP);
}

void stats_write(struct popcorn_thread *thread) {
    if (thread)
        flush_points(thread->triggers);
    if (shared && shared->counting)
        statistics_print(shared);
}

static long describe_node(long nid, struct popcorn_node_answer *answer) {
    struct popcorn_node node;
    if (nid < 0 || nid >= shared->nodes.count || popcorn_backend->info((int)nid, &node))
        return -E_INVAL;
    __builtin_memcpy(answer->isa, node.isa, sizeof answer->isa);
    answer->origin = node.origin;
    answer->available = node.available;
    return 0;
}

/* The node that somebody wants the thread on, or -1. */
static int requested(const struct popcorn_thread *thread) {
    int nid = __atomic_load_n(&thread->request, __ATOMIC_RELAXED);
    return nid == GATHER ? -1 : nid;
}

long __popcorn_node(long question, long nid, void *answer) {
    const struct popcorn_thread *thread = popcorn_current();
    switch (question) {
    case POPCORN_NODE_COUNT:
        return shared->nodes.count;
    case POPCORN_NODE_CURRENT:
        return thread->node;
    case POPCORN_NODE_DESCRIBE:
        return describe_node(nid, answer);
    case POPCORN_NODE_REQUESTED:
        return requested(thread);
    case POPCORN_NODE_TID:
        return thread->tid;
    }
    return -E_INVAL;
}
