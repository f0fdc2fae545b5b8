/* SPDX-License-Identifier: MIT */
/*
 * A connection of frames that may be lost and made anew, and the flows of bytes in it: none is lost, and none
 * comes twice. Both ends of a flow keep what the other may still need.
 */
#ifndef POPCORN_COMMAND_WIRE_H
#define POPCORN_COMMAND_WIRE_H

#include <poll.h>

#include "move/move.h"

#define FLOW_ROOM (1UL << 18)

/*
 * Bytes `begin` to `end` of the flow are in the ring. Where they leave, begin is what the other side has
 * passed on, and `sent` what has gone into the connection; where they arrive, begin has been passed on here,
 * and `sent` acknowledged.
 */
struct flow {
    bool leaves;
    int fd; /* read from, or written to; -1: none */
    uint64_t begin, sent, end;
    bool ended;    /* no more bytes after `end` */
    bool told;     /* the other side knows that */
    bool shut;     /* nobody wants them */
    bool discards; /* what is read goes nowhere */
    bool shuts;    /* its file is nobody else's: if it is a socket, whose other end sees the end */
    uint8_t *ring;
};

struct wire {
    int fd; /* what comes is read from; -1: lost */
    int to; /* what goes is written to: may be the same */
    uint8_t *out;
    size_t out_used, out_room;
    uint8_t in[sizeof(struct move_frame) + MOVE_FRAME_MOST];
    size_t in_used, in_taken;
    struct flow flow[MOVE_FLOWS];
};

/* A flow that leaves is read from `fd`, one that arrives is written to it. */
void wire_flow(struct wire *, unsigned number, bool leaves, int fd);

/* A new connection, which is made non-blocking; with -1 it is lost. */
void wire_connect(struct wire *, int fd, int to);
void wire_received(const struct wire *, uint64_t received[MOVE_FLOWS]);
/* The other side has received so much. False: that cannot be. */
bool wire_resume(struct wire *, const uint64_t received[MOVE_FLOWS]);

void wire_put(struct wire *, enum move_frame_kind, const void *payload, size_t size);
void wire_put_number(struct wire *, enum move_frame_kind, uint32_t);

/* The next frame that has come whole, payload and all; NULL if there is none yet. */
const struct move_frame *wire_next(struct wire *);

/* Takes a frame about flows. False: it is about something else, or wrong. */
bool wire_take(struct wire *, const struct move_frame *);

/* What to poll for, WIRE_POLLS entries: what comes, the flows, what goes; `flowing`: flows may go. And what
 * to do then. */
#define WIRE_POLLS (2 + MOVE_FLOWS)
void wire_poll(const struct wire *, struct pollfd[WIRE_POLLS], bool flowing);
void wire_work(struct wire *, const struct pollfd[WIRE_POLLS], bool flowing);

/* Everything that arrived has been passed on, as far as anybody wants it. */
bool wire_drained(const struct wire *);

#endif
