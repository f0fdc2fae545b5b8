/* SPDX-License-Identifier: MIT */
#include "thread/room.h"
#include "memory/memory.h"
#include "thread/spares.h"

/* Zero, as new rooms are. */
static struct spares spares;

static struct room *take_spare(void) {
    struct room *room = NULL;
    for (int i = 0; i < SPARES && !room; i++)
        room = spares_take(&spares, i);
    return room;
}

static bool keep(struct room *room) {
    __builtin_memset(room, 0, sizeof *room);
    return spares_keep(&spares, room);
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
