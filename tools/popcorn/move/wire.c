/* SPDX-License-Identifier: MIT */
#include "move/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "popcorn.h"

#define PIECE 4096        /* what a pipe takes without blocking once poll() says that it takes something */
#define OUT_ENOUGH 131072 /* flows wait while so much waits to be sent */
#define ACKNOWLEDGE_EACH (FLOW_ROOM / 8)

void wire_flow(struct wire *wire, unsigned number, bool leaves, int fd) {
    struct flow *flow = &wire->flow[number];
    *flow = (struct flow){.leaves = leaves, .fd = fd, .ring = malloc(FLOW_ROOM)};
    if (!flow->ring)
        die("out of memory");
    if (fd < 0)
        flow->ended = flow->shut = true;
}

void wire_connect(struct wire *wire, int fd, int to) {
    if (wire->fd >= 0 && wire->to != wire->fd)
        close(wire->to);
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = fd;
    wire->to = to;
    wire->out_used = wire->in_used = wire->in_taken = 0;
    if (fd >= 0) {
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        fcntl(to, F_SETFL, fcntl(to, F_GETFL) | O_NONBLOCK);
    }
}

void wire_received(const struct wire *wire, uint64_t received[MOVE_FLOWS]) {
    for (int i = 0; i < MOVE_FLOWS; i++)
        received[i] = wire->flow[i].leaves ? 0 : wire->flow[i].end;
}

bool wire_resume(struct wire *wire, const uint64_t received[MOVE_FLOWS]) {
    for (int i = 0; i < MOVE_FLOWS; i++) {
        struct flow *flow = &wire->flow[i];
        if (!flow->leaves) {
            flow->sent = 0; /* acknowledged anew */
            if (flow->shut)
                wire_put_number(wire, MOVE_SHUT, (uint32_t)i);
            continue;
        }
        if (received[i] < flow->begin || received[i] > flow->end)
            return false;
        flow->sent = received[i];
        flow->told = false;
    }
    return true;
}

void wire_put(struct wire *wire, enum move_frame_kind kind, const void *payload, size_t size) {
    struct move_frame frame = {kind, (uint32_t)size};
    if (wire->fd < 0)
        return;
    if (wire->out_room - wire->out_used < sizeof frame + size) {
        wire->out_room += sizeof frame + size + OUT_ENOUGH;
        wire->out = realloc(wire->out, wire->out_room);
        if (!wire->out)
            die("out of memory");
    }
    memcpy(wire->out + wire->out_used, &frame, sizeof frame);
    if (size)
        memcpy(wire->out + wire->out_used + sizeof frame, payload, size);
    wire->out_used += sizeof frame + size;
}

void wire_put_number(struct wire *wire, enum move_frame_kind kind, uint32_t number) {
    wire_put(wire, kind, &number, sizeof number);
}

/*
 * The connection.
 */

static void send_out(struct wire *wire) {
    while (wire->fd >= 0 && wire->out_used) {
        ssize_t n = write(wire->to, wire->out, wire->out_used);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            wire_connect(wire, -1, -1);
            return;
        }
        wire->out_used -= (size_t)n;
        memmove(wire->out, wire->out + n, wire->out_used);
    }
}

static void take_in(struct wire *wire) {
    ssize_t n = read(wire->fd, wire->in + wire->in_used, sizeof wire->in - wire->in_used);
    if (n > 0)
        wire->in_used += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        wire_connect(wire, -1, -1);
}

const struct move_frame *wire_next(struct wire *wire) {
    const struct move_frame *frame = (const struct move_frame *)wire->in;
    if (wire->in_taken) {
        wire->in_used -= wire->in_taken;
        memmove(wire->in, wire->in + wire->in_taken, wire->in_used);
        wire->in_taken = 0;
    }
    if (wire->in_used < sizeof *frame)
        return NULL;
    if (frame->size > MOVE_FRAME_MOST) {
        wire_connect(wire, -1, -1);
        return NULL;
    }
    if (wire->in_used < sizeof *frame + frame->size)
        return NULL;
    wire->in_taken = sizeof *frame + frame->size;
    return frame;
}

/*
 * Flows.
 */

static uint64_t room(const struct flow *flow) {
    return FLOW_ROOM - (flow->end - flow->begin);
}

static void put_in(struct flow *flow, const uint8_t *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        size_t at = flow->end % FLOW_ROOM, n = FLOW_ROOM - at;
        n = n < size - done ? n : size - done;
        memcpy(flow->ring + at, bytes + done, n);
        flow->end += n;
        done += n;
    }
}

/* The bytes at `at` that lie in one piece. */
static size_t piece(const struct flow *flow, uint64_t at, size_t most) {
    uint64_t n = flow->end - at, straight = FLOW_ROOM - at % FLOW_ROOM;
    n = n < straight ? n : straight;
    return n < most ? (size_t)n : most;
}

static void give_up(struct wire *wire, struct flow *flow) {
    flow->shut = true;
    flow->begin = flow->end;
    if (!flow->leaves)
        wire_put_number(wire, MOVE_SHUT, (uint32_t)(flow - wire->flow));
}

static bool take_data(struct flow *flow, const uint8_t *bytes, size_t size) {
    if (flow->leaves || flow->ended || room(flow) < size)
        return false;
    put_in(flow, bytes, size);
    if (flow->shut)
        flow->begin = flow->end;
    return true;
}

static bool take_acknowledgement(struct flow *flow, uint64_t count) {
    if (!flow->leaves || count > flow->sent)
        return false;
    if (count > flow->begin)
        flow->begin = count;
    return true;
}

bool wire_take(struct wire *wire, const struct move_frame *frame) {
    const uint8_t *payload = (const uint8_t *)(frame + 1);
    uint32_t number;
    if (frame->kind < MOVE_DATA || frame->kind > MOVE_ACKNOWLEDGE || frame->size < sizeof number)
        return false;
    memcpy(&number, payload, sizeof number);
    if (number >= MOVE_FLOWS)
        return false;
    struct flow *flow = &wire->flow[number];
    struct move_acknowledge acknowledge;
    switch (frame->kind) {
    case MOVE_DATA:
        return take_data(flow, payload + sizeof number, frame->size - sizeof number);
    case MOVE_ENDED:
        flow->ended |= !flow->leaves;
        return !flow->leaves;
    case MOVE_SHUT:
        if (!flow->leaves)
            return false;
        give_up(wire, flow);
        return true;
    default:
        if (frame->size != sizeof acknowledge)
            return false;
        memcpy(&acknowledge, payload, sizeof acknowledge);
        return take_acknowledgement(flow, acknowledge.count);
    }
}

static void read_flow(struct flow *flow) {
    uint8_t bytes[PIECE];
    uint64_t most = room(flow);
    ssize_t n = read(flow->fd, bytes, most < sizeof bytes ? most : sizeof bytes);
    if (n > 0 && !flow->discards)
        put_in(flow, bytes, (size_t)n);
    else if (n > 0)
        return;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        flow->ended = true;
}

static void write_flow(struct wire *wire, struct flow *flow) {
    ssize_t n = write(flow->fd, flow->ring + flow->begin % FLOW_ROOM, piece(flow, flow->begin, PIECE));
    if (n > 0)
        flow->begin += (uint64_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        give_up(wire, flow);
}

static void send_flow(struct wire *wire, struct flow *flow) {
    struct {
        uint32_t number;
        uint8_t bytes[MOVE_FRAME_MOST - sizeof(uint32_t)];
    } data = {.number = (uint32_t)(flow - wire->flow)};
    while (!flow->shut && flow->sent < flow->end && wire->out_used < OUT_ENOUGH) {
        size_t n = piece(flow, flow->sent, sizeof data.bytes);
        memcpy(data.bytes, flow->ring + flow->sent % FLOW_ROOM, n);
        wire_put(wire, MOVE_DATA, &data, sizeof data.number + n);
        flow->sent += n;
    }
    if (flow->ended && !flow->told && (flow->shut || flow->sent == flow->end)) {
        wire_put_number(wire, MOVE_ENDED, data.number);
        flow->told = true;
    }
}

static void acknowledge_flow(struct wire *wire, struct flow *flow) {
    if (flow->begin - flow->sent < ACKNOWLEDGE_EACH &&
        (flow->begin != flow->end || flow->begin == flow->sent))
        return;
    struct move_acknowledge acknowledge = {.flow = (uint32_t)(flow - wire->flow), .count = flow->begin};
    wire_put(wire, MOVE_ACKNOWLEDGE, &acknowledge, sizeof acknowledge);
    flow->sent = flow->begin;
}

/* Where the bytes of a flow have all been passed on, and no more come, its file is closed. */
static void close_ended(struct flow *flow) {
    if (flow->fd < 0 || (!flow->shut && (flow->leaves || !flow->ended || flow->begin != flow->end)))
        return;
    if (flow->shuts)
        shutdown(flow->fd, SHUT_WR);
    close(flow->fd);
    flow->fd = -1;
}

void wire_poll(const struct wire *wire, struct pollfd poll[WIRE_POLLS], bool flowing) {
    poll[0] = (struct pollfd){.fd = wire->fd, .events = POLLIN};
    poll[1 + MOVE_FLOWS] = (struct pollfd){.fd = wire->out_used ? wire->to : -1, .events = POLLOUT};
    for (int i = 0; i < MOVE_FLOWS; i++) {
        const struct flow *flow = &wire->flow[i];
        bool wants = flow->leaves ? flowing && !flow->ended && !flow->shut && room(flow) > 0
                                  : !flow->shut && flow->begin < flow->end;
        poll[1 + i] = (struct pollfd){.fd = wants ? flow->fd : -1, .events = flow->leaves ? POLLIN : POLLOUT};
    }
}

void wire_work(struct wire *wire, const struct pollfd poll[WIRE_POLLS], bool flowing) {
    if (wire->fd >= 0 && poll[0].fd == wire->fd && poll[0].revents & (POLLIN | POLLHUP | POLLERR))
        take_in(wire);
    for (int i = 0; i < MOVE_FLOWS; i++) {
        struct flow *flow = &wire->flow[i];
        if (poll[1 + i].fd >= 0 && poll[1 + i].revents)
            flow->leaves ? read_flow(flow) : write_flow(wire, flow);
        if (flowing)
            (flow->leaves ? send_flow : acknowledge_flow)(wire, flow);
        close_ended(flow);
    }
    send_out(wire);
}

bool wire_drained(const struct wire *wire) {
    for (int i = 0; i < MOVE_FLOWS; i++)
        if (!wire->flow[i].leaves && !wire->flow[i].shut && wire->flow[i].begin < wire->flow[i].end)
            return false;
    return true;
}
