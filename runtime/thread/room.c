/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>

#include "memory/memory.h"
#include "thread/room.h"

enum { SPARES = 16 };

/*
 * Rooms of threads that have ended, zero as new ones are: mapping a page and touching it first takes long
 * beside a thread's beginning. Without a lock: fork may copy the array at any time.
 */
static _Atomic(struct room *) spare[SPARES];

static struct room *take_spare(void) {
    for (int i = 0; i < SPARES; i++) {
        struct room *room = atomic_load(&spare[i]) ? atomic_exchange(&spare[i], NULL) : NULL;
        if (room)
            return room;
    }
    return NULL;
}

static bool keep(struct room *room) {
    __builtin_memset(room, 0, sizeof *room);
    for (int i = 0; i < SPARES; i++) {
        struct room *none = NULL;
        if (atomic_compare_exchange_strong(&spare[i], &none, room))
            return true;
    }
    return false;
}

struct popcorn_thread *room_create(void) {
    struct room *room = take_spare();
    if (!room)
        room = (struct room *)memory_reserve(sizeof *room);
    if (!room)
        return NULL;
    struct popcorn_thread *thread = &room->thread;
    thread->request = -1;
    thread->pinned = 1;
    thread->stack = &thread->own_stack;
    thread->triggers = &room->triggers;
    thread->mailbox = &room->mailbox;
    room->alternate.flags = ROOM_ALTERNATE_NONE;
    return thread;
}

/* One in which a worker that did not end in time may still look is nobody else's. */
void room_destroy(struct popcorn_thread *thread) {
    if (atomic_load(&thread->mailbox->workers) || !keep(room_of(thread)))
        memory_release((uint64_t)thread, sizeof(struct room));
}
