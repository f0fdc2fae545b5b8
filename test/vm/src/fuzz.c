/* SPDX-License-Identifier: MIT */
/* Messages that no honest peer sends. */
#include "fake.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Requests under way, by what is left of their id: the type of each, and 0 once it is answered. */
#define BURST 64
#define NODES 4u
static uint8_t asked[BURST];

/* What has come on this connection and not been looked at. */
static struct {
    size_t begin, end;
    uint8_t data[16384];
} come;

/* The next bytes that have come, or come in time. */
static const void *take(int fd, size_t length) {
    check(length <= sizeof come.data, "length");
    while (come.end - come.begin < length) {
        memmove(come.data, come.data + come.begin, come.end - come.begin);
        come.end -= come.begin;
        come.begin = 0;
        ssize_t got = recv(fd, come.data + come.end, sizeof come.data - come.end, 0);
        check(got > 0, "a reply in time, and whole");
        come.end += (size_t)got;
    }
    come.begin += length;
    return come.data + come.begin - length;
}

/* One reply; keep-alives come in between. Replies come in any order, each of them once. */
static void get_reply(int fd, uint64_t first) {
    struct fake_header reply;
    do {
        memcpy(&reply, take(fd, sizeof reply), sizeof reply);
        take(fd, reply.length);
    } while (reply.type == HELLO || reply.type == KEEPALIVE);
    if (reply.id - first >= BURST || !reply.type || reply.type != asked[reply.id - first] ||
        reply.flags != (REPLY | NACK))
        fail("type %u flags %x answers %lu", reply.type, reply.flags, (unsigned long)(reply.id - first));
    asked[reply.id - first] = 0;
}

/* Well-formed requests about programs that do not exist are refused; the connection lives. */
static void send_unknown(int fd, unsigned count) {
    static const struct {
        uint8_t type;
        uint16_t length;
    } requests[] = {{5, 24}, {9, 72}, {10, 40}, {11, 24}, {12, 24}, {14, 24}, {15, 8}};
    uint8_t body[128];
    for (uint64_t first = 77; count; first += BURST) {
        unsigned burst = count < BURST ? count : BURST;
        for (unsigned i = 0; i < burst; i++) {
            unsigned which = fake_random(sizeof requests / sizeof *requests);
            fake_fill(body, requests[which].length);
            asked[i] = requests[which].type;
            fake_keep(fake_header(asked[i], REQUEST, requests[which].length, first + i), body);
        }
        check(fake_flush(fd), "send");
        for (unsigned i = 0; i < burst; i++)
            get_reply(fd, first);
        count -= burst;
    }
}

/* One message that closes the connection. Returns what was wrong with it. */
static const char *send_bad(int fd) {
    static uint8_t body[70000];
    static const uint8_t one_way[] = {2, 4, 7, 8};
    static const uint16_t one_way_length[] = {24, 24, 24, 24};
    unsigned i = fake_random(4);
    struct fake_header h = fake_header(one_way[i], 0, one_way_length[i], 0);
    fake_fill(body, 256);
    switch (fake_random(17)) {
    case 0:
        h.magic ^= 1u << fake_random(32);
        fake_send(fd, h, body);
        return "magic";
    case 1:
        h.version = (uint8_t)(2 + fake_random(250));
        fake_send(fd, h, body);
        return "version";
    case 2:
        h.type = (uint8_t)(TYPES + fake_random(256 - TYPES));
        fake_send(fd, h, body);
        return "type";
    case 3:
        h.type = 0;
        fake_send(fd, h, body);
        return "type 0";
    case 4:
        h.length += 1 + fake_random(60000);
        fake_send(fd, h, body);
        return "long";
    case 5:
        h.length = fake_random(h.length);
        fake_send(fd, h, body);
        return "short";
    case 6:
        h.length = 0xffffffff - fake_random(100);
        fake_put(fd, &h, sizeof h);
        return "huge";
    case 7:
        h.seq += 1 + fake_random(1000);
        fake_send(fd, h, body);
        return "number";
    case 8:
        h.flags = (uint16_t)(8u << fake_random(12));
        fake_send(fd, h, body);
        return "flags";
    case 9:
        h.id = 5;
        fake_send(fd, h, body);
        return "id of no request";
    case 10:
        fake_send(fd, fake_header(HELLO, 0, 16, 0), body);
        return "second hello";
    case 11:
        fake_send(fd, fake_header(PAIRING, REPLY, 0, 1 + fake_random(1000)), body);
        return "reply to nothing";
    case 12:
        fake_send(fd, fake_header(TASK_MIGRATE, 0, 104 + fake_random(200), 0), body);
        return "blob length";
    case 13:
        fake_put(fd, &h, 1 + fake_random(sizeof h + h.length - 1));
        shutdown(fd, SHUT_WR);
        return "truncated";
    case 14:
        memset(body + 20, 0, 4);
        fake_send(fd, fake_header(MIGRATE_BACK, REQUEST, 24, 7), body);
        return "a way on without state";
    case 15:
        memcpy(body + 16, &(uint32_t){512}, 4); /* ERESTARTSYS */
        fake_send(fd, fake_header(MIGRATE_NACK, 0, 24, 0), body);
        return "an errno of the kernel's own";
    default:
        fake_put(fd, body, sizeof h + fake_random(200));
        return "garbage";
    }
}

int fuzz_main(unsigned messages) {
    unsigned sent = 0, connections = 0;
    long malformed = stat_value("peers_malformed");

    while (sent < messages) {
        /* While one is taken down, the next one comes. */
        int fd = fake_join(FAKE + connections % NODES);
        /* Connections cost the most: of many messages each has more. */
        unsigned good = fake_random(messages < 100000 ? 14 : 200);
        const char *what;
        come.begin = come.end = 0;
        send_unknown(fd, good);
        what = send_bad(fd);
        if (!fake_closed(fd))
            fail("not closed after: %s", what);
        close(fd);
        sent += good + 2;
        connections++;
    }
    malformed = stat_value("peers_malformed") - malformed;
    printf("# %u messages on %u connections, %ld closed as malformed\n", sent, connections, malformed);
    check(malformed > (long)connections * 3 / 4, "closed peers are counted");
    return 0;
}
