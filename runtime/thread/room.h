/* SPDX-License-Identifier: MIT */
/*
 * All that the run time keeps of a thread in portable memory, in one mapping made when the thread begins and
 * given back when it ends: the thread itself, its mailbox, its triggers. (stack-transform makes its hop
 * buffer.)
 */
#ifndef THREAD_ROOM_H
#define THREAD_ROOM_H

#include "node/mailbox.h"
#include "popcorn/migration.h"
#include "popcorn/thread.h"

#define ROOM_ALTERNATE_NONE 2 /* SS_DISABLE */

/* The program's sigaltstack, for handlers with SA_ONSTACK (signal/alternate.c). Size 0: none. */
struct room_alternate {
    uint64_t base;
    int32_t flags;
    int32_t reserved;
    uint64_t size;
};

struct room {
    struct popcorn_thread thread; /* first: a thread's address is its room's */
    struct popcorn_mailbox mailbox;
    struct popcorn_trigger_state triggers;
    struct room_alternate alternate;
};

static inline struct room *room_of(struct popcorn_thread *thread) {
    return (struct room *)thread;
}

/* A new thread's room, pinned, not yet in the control block's list. NULL if there is no memory. */
struct popcorn_thread *room_create(void);

/* Gives everything of the thread in portable memory back. */
void room_destroy(struct popcorn_thread *);

#endif
