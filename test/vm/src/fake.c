/* SPDX-License-Identifier: MIT */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

static uint32_t seq;
static uint64_t random_state = 12345;

static uint32_t next_random(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

uint32_t fake_random(uint32_t n) {
    return (next_random() >> 1) % n;
}

void fake_fill(uint8_t *data, size_t length) {
    for (size_t i = 0; i < length; i += sizeof(uint32_t)) {
        uint32_t some = next_random();
        memcpy(data + i, &some, length - i < sizeof some ? length - i : sizeof some);
    }
}

struct fake_header fake_header(unsigned type, unsigned flags, uint32_t length, uint64_t id) {
    return (struct fake_header){0x4e435031, 1, (uint8_t)type, (uint16_t)flags, length, seq, id};
}

bool fake_put(int fd, const void *data, size_t length) {
    return send(fd, data, length, MSG_NOSIGNAL) == (ssize_t)length;
}

bool fake_send(int fd, struct fake_header h, const void *body) {
    struct iovec parts[] = {{&h, sizeof h}, {(void *)(uintptr_t)body, h.length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    seq++;
    return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)(sizeof h + h.length);
}

static uint8_t kept[16384];
static size_t kept_length;

void fake_keep(struct fake_header h, const void *body) {
    check(sizeof h + h.length <= sizeof kept - kept_length, "room for what is kept");
    memcpy(kept + kept_length, &h, sizeof h);
    memcpy(kept + kept_length + sizeof h, body, h.length);
    kept_length += sizeof h + h.length;
    seq++;
}

bool fake_flush(int fd) {
    size_t length = kept_length;
    kept_length = 0;
    return fake_put(fd, kept, length);
}

int fake_join(unsigned nid) {
    struct popcorn_info info;
    struct timeval limit = {2 * patience(), 0};
    int pair[2], device = open(DEVICE, O_RDWR | O_CLOEXEC);
    check(device >= 0 && !ioctl(device, POPCORN_IOC_INFO, &info), "INFO");
    uint32_t hello[4] = {nid, (uint32_t)info.nid, PAGE, 0};
    check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
    check(!setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "SO_RCVTIMEO");
    struct popcorn_peer peer = {.fd = pair[0], .nid = nid};
    while (ioctl(device, POPCORN_IOC_PEER_ADD, &peer)) {
        if (errno != EEXIST) /* the last one is still being taken down */
            fail("PEER_ADD");
        usleep(200);
    }
    close(device);
    seq = 0;
    check(fake_send(pair[1], fake_header(HELLO, 0, sizeof hello, 0), hello), "HELLO");
    return pair[1];
}

bool fake_closed(int fd) {
    static char sink[65536];
    struct pollfd wait = {fd, POLLIN, 0};
    while (poll(&wait, 1, 2000 * (int)patience()) > 0)
        if (recv(fd, sink, sizeof sink, 0) <= 0)
            return true;
    return false;
}
