/* SPDX-License-Identifier: MIT */
/*
 * Messages that no honest peer sends. The header is written down here once more, by hand: should the module's
 * idea of it change, this test notices. Each connection is a socket pair, handed in as node 9.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKE 9u
#define MESSAGES 10000

struct header {
    uint32_t magic;
    uint8_t version, type;
    uint16_t flags;
    uint32_t length, seq;
    uint64_t id;
};

enum {
    HELLO = 1,
    KEEPALIVE,
    TASK_MIGRATE,
    MIGRATE_NACK = 4,
    PAIRING,
    MIGRATE_BACK,
    REMOTE_PAGE = 11,
    TYPES = 15
};
enum { REQUEST = 1, REPLY = 2, NACK = 4 };

static int control, own;
static uint32_t seq;
static uint64_t random_state = 12345;

static uint32_t random_below(uint32_t n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

static struct header header(unsigned type, unsigned flags, uint32_t length, uint64_t id) {
    return (struct header){0x4e435031, 1, (uint8_t)type, (uint16_t)flags, length, seq, id};
}

/* Whether it could be sent: the module may have closed already. */
static bool put(int fd, const void *data, size_t length) {
    return send(fd, data, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool put_message(int fd, struct header h, const void *body) {
    seq++;
    return put(fd, &h, sizeof h) && (!h.length || put(fd, body, h.length));
}

static int join(void) {
    uint32_t hello[4] = {FAKE, own, PAGE, 0};
    int pair[2];
    check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
    struct popcorn_peer peer = {.fd = pair[0], .nid = FAKE};
    while (ioctl(control, POPCORN_IOC_PEER_ADD, &peer)) {
        if (errno != EEXIST) /* the last one is still being taken down */
            fail("PEER_ADD");
        usleep(200);
    }
    seq = 0;
    check(put_message(pair[1], header(HELLO, 0, sizeof hello, 0), hello), "HELLO");
    return pair[1];
}

/* Reads until the module closes; false if it does not within two seconds. */
static bool closed(int fd) {
    static char sink[65536];
    struct pollfd wait = {fd, POLLIN, 0};
    while (poll(&wait, 1, 2000) > 0)
        if (recv(fd, sink, sizeof sink, 0) <= 0)
            return true;
    return false;
}

static void get(int fd, void *data, size_t length) {
    struct pollfd wait = {fd, POLLIN, 0};
    for (size_t done = 0; done < length;) {
        check(poll(&wait, 1, 2000) > 0, "a reply in time");
        ssize_t got = recv(fd, (char *)data + done, length - done, 0);
        check(got > 0, "a reply before the end");
        done += (size_t)got;
    }
}

/* Well-formed requests about programs that do not exist are refused; the connection lives. */
static void send_unknown(int fd, unsigned count) {
    static const struct {
        uint8_t type;
        uint16_t length;
    } requests[] = {{5, 24}, {9, 72}, {10, 40}, {11, 24}, {12, 24}, {14, 24}, {15, 8}};
    uint8_t body[4096];
    struct header reply;
    for (unsigned i = 0; i < count; i++) {
        unsigned which = random_below(sizeof requests / sizeof *requests);
        for (size_t k = 0; k < sizeof body; k++)
            body[k] = (uint8_t)random_below(256);
        check(put_message(fd, header(requests[which].type, REQUEST, requests[which].length, 77 + i), body),
              "send");
        do {
            get(fd, &reply, sizeof reply);
            check(reply.length <= sizeof body, "length");
            get(fd, body, reply.length);
        } while (reply.type == HELLO || reply.type == KEEPALIVE);
        if (reply.type != requests[which].type || reply.flags != (REPLY | NACK) || reply.id != 77 + i)
            fail("type %u flags %x answers type %u", reply.type, reply.flags, requests[which].type);
    }
}

/* One message that closes the connection. Returns what was wrong with it. */
static const char *send_bad(int fd) {
    static uint8_t body[70000];
    static const uint8_t one_way[] = {2, 4, 7, 8};
    static const uint16_t one_way_length[] = {24, 24, 24, 24};
    unsigned i = random_below(4);
    struct header h = header(one_way[i], 0, one_way_length[i], 0);
    for (size_t k = 0; k < 256; k++)
        body[k] = (uint8_t)random_below(256);
    switch (random_below(17)) {
    case 0:
        h.magic ^= 1u << random_below(32);
        put_message(fd, h, body);
        return "magic";
    case 1:
        h.version = (uint8_t)(2 + random_below(250));
        put_message(fd, h, body);
        return "version";
    case 2:
        h.type = (uint8_t)(TYPES + random_below(256 - TYPES));
        put_message(fd, h, body);
        return "type";
    case 3:
        h.type = 0;
        put_message(fd, h, body);
        return "type 0";
    case 4:
        h.length += 1 + random_below(60000);
        put_message(fd, h, body);
        return "long";
    case 5:
        h.length = random_below(h.length);
        put_message(fd, h, body);
        return "short";
    case 6:
        h.length = 0xffffffff - random_below(100);
        put(fd, &h, sizeof h);
        return "huge";
    case 7:
        h.seq += 1 + random_below(1000);
        put_message(fd, h, body);
        return "number";
    case 8:
        h.flags = (uint16_t)(8u << random_below(12));
        put_message(fd, h, body);
        return "flags";
    case 9:
        h.id = 5;
        put_message(fd, h, body);
        return "id of no request";
    case 10:
        put_message(fd, header(HELLO, 0, 16, 0), body);
        return "second hello";
    case 11:
        put_message(fd, header(PAIRING, REPLY, 0, 1 + random_below(1000)), body);
        return "reply to nothing";
    case 12:
        put_message(fd, header(TASK_MIGRATE, 0, 104 + random_below(200), 0), body);
        return "blob length";
    case 13:
        put(fd, &h, 1 + random_below(sizeof h + h.length - 1));
        shutdown(fd, SHUT_WR);
        return "truncated";
    case 14:
        memset(body + 20, 0, 4);
        put_message(fd, header(MIGRATE_BACK, REQUEST, 24, 7), body);
        return "a way on without state";
    case 15:
        memcpy(body + 16, &(uint32_t){512}, 4); /* ERESTARTSYS */
        put_message(fd, header(MIGRATE_NACK, 0, 24, 0), body);
        return "an errno of the kernel's own";
    default:
        put(fd, body, sizeof h + random_below(200));
        return "garbage";
    }
}

int fuzz_main(void) {
    struct popcorn_info info;
    unsigned sent = 0, connections = 0;
    long malformed = stat_value("peers_malformed");

    control = open(DEVICE, O_RDWR | O_CLOEXEC);
    check(control >= 0 && !ioctl(control, POPCORN_IOC_INFO, &info), "INFO");
    own = info.nid;
    while (sent < MESSAGES) {
        int fd = join();
        unsigned good = random_below(14);
        const char *what;
        send_unknown(fd, good);
        what = send_bad(fd);
        if (!closed(fd))
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
