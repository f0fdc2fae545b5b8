/* SPDX-License-Identifier: MIT */
/*
 * The control block: the first bytes of the arena, at POPCORN_ARENA_BASE in every process of a popcorn
 * program. It is what the run time's parts and processes know in common, and what `popcorn ps` reads from
 * outside with process_vm_readv(): a process is a popcorn program if the magic is there and `pid` is its own
 * (in a node's process it is the origin's).
 *
 * Everything is portable: addresses in it are good in every process, and for a reader of the origin's memory.
 */
#ifndef POPCORN_CONTROL_H
#define POPCORN_CONTROL_H

#include <stdint.h>

#include "popcorn/abi.h"
#include "popcorn/thread.h"

#define POPCORN_CONTROL_MAGIC "POPCORN" /* with its NUL */
#define POPCORN_CONTROL_VERSION 3
#define POPCORN_CONTROL_NODES 32

/* `popcorn migrate` sends this signal with rt_sigqueueinfo()/rt_tgsigqueueinfo(), si_code SI_QUEUE and
 * si_value = POPCORN_MIGRATE_VALUE(node). */
#define POPCORN_MIGRATE_SIGNAL 64
#define POPCORN_MIGRATE_VALUE(node) (0x504f500000000000UL | (uint32_t)(node))
#define POPCORN_MIGRATE_MASK 0xffffffff00000000UL

enum popcorn_node_state {
    POPCORN_NODE_ABSENT,  /* no process yet; one is started when a thread wants to go there */
    POPCORN_NODE_RUNNING, /* the origin always is */
    POPCORN_NODE_FAILED,  /* died, or could not be started; tried again after a while */
};

struct popcorn_node_entry {
    char isa[16];  /* NUL-terminated */
    char name[64]; /* of the machine that it is, NUL-terminated; empty if nodes are processes of this machine
                    */
    int32_t machine; /* number of that machine */
    uint32_t told;   /* not zero: its process has said why it ends */
    int32_t pid;    /* of its process; 0 if there is none */
    uint32_t state; /* enum popcorn_node_state, atomic */
};

struct popcorn_control {
    char magic[8];
    uint32_t version;
    uint32_t size;   /* of this struct */
    int32_t pid;     /* of the origin, as the kernel knows it */
    int32_t origin;  /* number of the origin's node */
    uint32_t nnodes; /* 0 until the node list has been looked up */
    uint32_t shared; /* not zero once portable memory is shared between processes */
    uint32_t halt;   /* not zero: threads on nodes stand still; a futex */
    int32_t trap;    /* the signal of __builtin_trap() at the origin, and so everywhere */
    uint64_t layout_hash;
    void *migration; /* lib/migration's state */
    struct popcorn_node_entry node[POPCORN_CONTROL_NODES];
    struct popcorn_thread *threads; /* the first; the others by `next` */
    uint32_t nthreads;
    int32_t seen_pid; /* what getpid() returns: `pid`, but after a restart from a checkpoint */
    struct popcorn_stack main_stack; /* the data stack of the first thread */
    char program[4096];              /* path of the executable, NUL-terminated */
};

/* The calling process's control block: at the same address everywhere. */
static inline struct popcorn_control *popcorn_control(void) {
    return (struct popcorn_control *)POPCORN_ARENA_BASE;
}

#endif
