/* SPDX-License-Identifier: MIT */
#include "thread/room.h"
#include "memory/memory.h"

struct popcorn_thread *room_create(void) {
    struct room *room = (struct room *)memory_reserve(sizeof *room);
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

void room_destroy(struct popcorn_thread *thread) {
    memory_release((uint64_t)thread, sizeof(struct room));
}
