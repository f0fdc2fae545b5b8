/* SPDX-License-Identifier: MIT */
/* The program's migration state: one block of portable memory, seen by all of its processes. */
#ifndef MIGRATION_SHARED_H
#define MIGRATION_SHARED_H

#include "popcorn/migration.h"

#define MAX_REASONS 32
#define HOPS_IN_CHUNK 2048
#define MAX_CHUNKS 49 /* 100,352 hops are listed; all are counted */
#define PATH_SIZE 4096

struct hop {
    int32_t thread;
    int16_t from, to;
    uint32_t capture, transfer, rebuild; /* nanoseconds */
    uint32_t done;                       /* written last */
    uint64_t when;                       /* nanoseconds since the program began */
    uint64_t frames, bytes;
};

/* A reason for refusals; `state` is claimed, then published. Two threads may enter the same text twice. */
struct refusal {
    uint32_t state; /* 0 free, 1 being written, 2 readable */
    uint64_t count;
    char text[POPCORN_REASON_SIZE];
};

struct migration_shared {
    struct migration_rules rules;
    struct popcorn_node_list nodes;
    uint64_t began;
    bool verbose;
    bool counting;    /* POPCORN_STATS is set: count every point, list the hops */
    int32_t armed;    /* atomic: threads whose rules can still fire */
    int32_t requests; /* atomic: threads asked to hop that have not looked yet */
    uint64_t points;  /* atomic, as are all below */
    uint64_t migrations, frames, bytes, refused;
    uint64_t hops; /* places taken in the list */
    struct hop *chunk[MAX_CHUNKS];
    struct refusal refusal[MAX_REASONS];
    char stats_path[PATH_SIZE]; /* absolute, or "-" */
    int stats_fd;               /* for "-": a descriptor of the run time's own */
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t migration_clock(void);

/* Counts a refused hop; `reason` as in popcorn/backend.h. */
void count_refusal(struct migration_shared *, const char *reason);

/* Counts a hop that has just been completed: the thread's times, frames, bytes and from are those of the hop.
 */
void count_hop(struct migration_shared *, const struct popcorn_thread *);

/* Writes all of it to stats_path. */
void statistics_print(struct migration_shared *);

#endif
