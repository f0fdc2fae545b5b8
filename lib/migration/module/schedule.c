/* SPDX-License-Identifier: MIT */
/*
 * The thread schedule: which thread shall run where in which region of the program. Read once, into one array
 * of mappings; a region's nodes lie behind each other in another.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "popcorn/migrate.h"

#define DEFAULT_REGION ((size_t)-1)
#define DEFAULT_FILE "thread-schedule.txt"
#define MOST_THREADS 1000000

struct mapping {
    size_t region;
    size_t first, count; /* in `nodes` */
};

static struct mapping *mappings;
static size_t nmappings;
static int *nodes;
static size_t nnodes;
static int state; /* of the schedule: 0 or a negative errno */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Room for element number n of an array that doubles at powers of two. */
static void *grow(void *array, size_t n, size_t size) {
    return n & (n - 1) ? array : realloc(array, (n ? 2 * n : 1) * size);
}

static int add_node(int node) {
    int *grown = grow(nodes, nnodes, sizeof *nodes);
    if (!grown)
        return -ENOMEM;
    nodes = grown;
    nodes[nnodes++] = node;
    return 0;
}

static int read_mapping(FILE *file, long region) {
    long count;
    struct mapping *grown = grow(mappings, nmappings, sizeof *mappings);
    if (!grown)
        return -ENOMEM;
    mappings = grown;
    if (region < -1 || fscanf(file, "%ld", &count) != 1 || count < 0 || count > MOST_THREADS)
        return -EINVAL;
    mappings[nmappings++] = (struct mapping){(size_t)region, nnodes, (size_t)count};
    for (long i = 0; i < count; i++) {
        int node, bad = fscanf(file, "%d", &node) != 1 ? -EINVAL : add_node(node);
        if (bad)
            return bad;
    }
    return 0;
}

static void read_schedule(void) {
    const char *name = getenv("POPCORN_THREAD_SCHEDULE");
    FILE *file = fopen(name ? name : DEFAULT_FILE, "r");
    if (!file) {
        state = name ? -ENOENT : 0;
        return;
    }
    long region;
    int got = 1;
    while (!state && (got = fscanf(file, "%ld", &region)) == 1)
        state = read_mapping(file, region);
    if (!state && got != EOF)
        state = -EINVAL;
    fclose(file);
}

static const struct mapping *find_mapping(size_t region) {
    for (size_t i = 0; i < nmappings; i++)
        if (mappings[i].region == region)
            return &mappings[i];
    return NULL;
}

static int origin(void) {
    struct popcorn_node_status unused[MAX_POPCORN_NODES];
    int nid;
    popcorn_getnodeinfo(&nid, unused);
    return nid;
}

static int scheduled_node(size_t region, int popcorn_tid) {
    const struct mapping *m = find_mapping(region);
    if (!m)
        m = find_mapping(DEFAULT_REGION);
    return m && popcorn_tid >= 0 && (size_t)popcorn_tid < m->count ? nodes[m->first + (size_t)popcorn_tid]
                                                                   : origin();
}

int migrate_schedule(size_t region, int popcorn_tid, void (*callback)(void *), void *data) {
    pthread_once(&once, read_schedule);
    return state ? state : migrate(scheduled_node(region, popcorn_tid), callback, data);
}
