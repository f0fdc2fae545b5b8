/* SPDX-License-Identifier: MIT */
/*
 * When a thread hops, and what is counted: rules, triggers, statistics. The native side of lib/migration as
 * the run time uses it. Functions are thread-safe unless they say otherwise.
 */
#ifndef POPCORN_MIGRATION_H
#define POPCORN_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"
#include "popcorn/backend.h"
#include "popcorn/query.h"

#define POPCORN_MAX_RULES 16
#define POPCORN_ERROR_SIZE 200 /* bytes of an error line, with its NUL */

/*
 * Nodes.
 */
#define POPCORN_NODE_NAME 64 /* bytes of a machine's name, with its NUL */

struct popcorn_node_list {
    int count;
    bool chosen; /* by POPCORN_NODES: node 0 is where the program starts */
    char isa[POPCORN_MAX_NODES][16];
    char name[POPCORN_MAX_NODES][POPCORN_NODE_NAME]; /* of nodes that are machines; else empty */
    int32_t machine[POPCORN_MAX_NODES];              /* and their numbers */
};

/*
 * Parses POPCORN_NODES ("x86_64,aarch64"). `isas` are the ISAs that the program has, this machine's first;
 * `text` NULL or empty means all of them in that order. 0, or -EINVAL with one line in `error`.
 */
int nodes_parse(struct popcorn_node_list *, const char *text, const char *const *isas, int nisas,
                char error[POPCORN_ERROR_SIZE]);

/*
 * The same where nodes are machines: `known` has the machines by their numbers (an empty name: there is
 * none), `self` is this one. Without `text`, a node's number is its machine's.
 */
int nodes_parse_machines(struct popcorn_node_list *, const char *text, const struct popcorn_node_list *known,
                         int self, char error[POPCORN_ERROR_SIZE]);

/*
 * Rules.
 */
enum rule_when { RULE_AT_POINT, RULE_EVERY, RULE_RANDOM, RULE_AFTER, RULE_FUNCTION, RULE_RANGE };
enum rule_where { RULE_NEXT, RULE_SELF, RULE_NODE, RULE_ISA };

struct migration_rule {
    int32_t when, where;
    int32_t node;     /* RULE_NODE: the node; RULE_ISA: the first of its nodes; RULE_RANGE: see isa */
    int32_t function; /* RULE_FUNCTION: its number (popcorn/stack.h) */
    uint64_t n;       /* points; the mean of RULE_RANDOM; nanoseconds of RULE_AFTER */
    uint64_t seed;
    uint64_t start, end; /* RULE_RANGE: addresses of points, end excluded */
    char isa[16];        /* RULE_ISA; RULE_RANGE: where the addresses are meant */
};

struct migration_rules {
    int32_t count;
    struct migration_rule rule[POPCORN_MAX_RULES];
};

/*
 * Appends the rules of POPCORN_MIGRATE to `rules`. find_function answers the number of a function or -1. 0,
 * or -EINVAL with one line in `error`.
 */
int rules_parse(struct migration_rules *rules, const char *text, const struct popcorn_node_list *nodes,
                int (*find_function)(const char *name), char error[POPCORN_ERROR_SIZE]);

/*
 * Appends the rule of Popcorn's variables ISA_MIGRATE_START and ISA_MIGRATE_END: a thread hops to the next
 * node at the first point it meets there while it runs on that ISA. Both are hexadecimal. 0, or -EINVAL with
 * one line in `error`.
 */
int rules_add_range(struct migration_rules *rules, const char *isa, const char *start, const char *end,
                    char error[POPCORN_ERROR_SIZE]);

/*
 * Triggers: the state of the rules in one thread.
 */
#define TRIGGER_NEVER UINT64_MAX
#define TRIGGER_NONE (-1) /* no rule asks for a hop */
#define TRIGGER_SELF (-2) /* rebuild in place */

struct popcorn_trigger_state {
    uint64_t points;  /* met so far by this thread while __popcorn_flag was set */
    uint64_t due;     /* the number of the next point at which there is something to look at */
    uint64_t flushed; /* points already added to the program's */
    uint64_t began;   /* CLOCK_MONOTONIC, nanoseconds */
    uint64_t clock_at, clock_time,
        clock_step;                 /* point and time of the last look at the clock; points to the next */
    bool armed;                     /* some rule can still fire */
    bool by_address;                /* one of them asks where the point is: look at every point */
    bool fired[POPCORN_MAX_RULES];  /* of those that fire once */
    uint64_t at[POPCORN_MAX_RULES]; /* number of the point at which the rule fires */
    uint64_t random[POPCORN_MAX_RULES];
};

/* A thread's fresh state. `now`: CLOCK_MONOTONIC in nanoseconds. */
void trigger_begin(struct popcorn_trigger_state *, const struct migration_rules *, uint64_t now);

/*
 * The slow half of a point: the state's `points` has been counted up and reached `due`, or `by_address` is
 * set. Answers the index of the rule that fires at this point, or -1. `clock` is called only if a rule needs
 * it; `isa` is what the thread runs on, `function` the number of the point's function or -1 (needed only if
 * `by_address` is set).
 */
int trigger_fire(struct popcorn_trigger_state *, const struct migration_rules *, uint64_t address,
                 const char *isa, int function, uint64_t (*clock)(void));

/* Where a rule sends a thread that is on node `current`: a node, TRIGGER_SELF, or TRIGGER_NONE if it is
 * there. */
int trigger_target(const struct migration_rule *, const struct popcorn_node_list *, int current,
                   bool (*available)(int nid));

/*
 * The program's state, in portable memory.
 */
struct migration_shared;

/*
 * Reads POPCORN_MIGRATE, the range variables, POPCORN_STATS and POPCORN_VERBOSE from `envp` and sets
 * everything up. Once, at the origin, before any thread runs and after stack_init() and popcorn_backend.
 * Returns the state, which a node's process hands to migration_attach(); NULL with one line in `error` if a
 * variable is wrong (or no memory).
 */
struct migration_shared *migration_start(char *const *envp, const struct popcorn_node_list *,
                                         char error[POPCORN_ERROR_SIZE]);

/* In a process that begins with a checkpoint's memory: as migration_attach(), and what refers to this process
 * is its own. */
void migration_restored(struct migration_shared *);

/* In a node's process, before it runs a thread. */
void migration_attach(struct migration_shared *);

/* Does any rule name a node other than the one where threads start, so that memory had better be shared at
 * once? */
bool migration_wants_nodes(void);

/*
 * A thread begins: fills *thread->triggers, which the caller has placed in portable memory. Called for the
 * main thread too, by whoever makes the thread, before it runs.
 */
void migration_thread_begin(struct popcorn_thread *);

/* The thread ends; it passes no more points. */
void migration_thread_end(struct popcorn_thread *);

/* In the child of fork, by its only thread: it is a program of its own that writes no statistics. */
void migration_forked(struct popcorn_thread *);

/*
 * Asks a thread to hop at its next point; sets __popcorn_flag. Async-signal-safe, from any process of the
 * program. 0, or -EINVAL if there is no such node.
 */
int migration_request(struct popcorn_thread *, int nid);

/* Asks a thread to come, at its next point, to where all gather (a checkpoint): there migration_gather() is
 * called, which returns when the thread shall go on. As migration_request(). */
void migration_call_together(struct popcorn_thread *);
extern void (*migration_gather)(struct popcorn_thread *, const struct machine_context *);

/* The same by what the run time's own signal brought (popcorn/control.h); anything else is left alone. */
void migration_asked(struct popcorn_thread *, uint64_t value);

/*
 * Makes the calling thread hop to node `nid` (TRIGGER_SELF: rebuild in place), now; the innermost call will
 * return `value` there. Returns only if refused: a negative errno; the refusal has been counted.
 */
long migration_go(struct popcorn_thread *, const struct machine_context *, int nid, long value,
                  enum popcorn_landing);

/* What the landing of a hop with POPCORN_LANDING_FORK returns to its caller. Provided by the run time. */
long popcorn_fork_landed(struct popcorn_thread *);

/*
 * Between hold and release no handler of the program runs on the calling thread: it might leave by longjmp,
 * in the middle of a change, or to frames that are not rebuilt yet. The thread must ask nobody for memory
 * meanwhile. Held by whoever starts a rebuilding, released when the thread has landed. Provided by the run
 * time.
 */
void popcorn_hold_signals(void);
void popcorn_release_signals(void);

/*
 * Writes the statistics, if POPCORN_STATS asks for them, from the calling thread (may be NULL). At the
 * origin, once, just before the program ends. Prints one line if the file cannot be written.
 */
void stats_write(struct popcorn_thread *);

#endif
