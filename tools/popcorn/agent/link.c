/* SPDX-License-Identifier: MIT */
#include "agent/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent/tls.h"

#define MAGIC "POPAGNT1"
#define PATIENCE 10 /* seconds for anything that the other side has to do */

static int wrong(char error[256], const char *what, const char *why) {
    snprintf(error, 256, "%.60s: %.180s", what, why);
    return -1;
}

enum direction { IN, OUT };

static int transfer(int socket, char *at, size_t size, enum direction direction) {
    while (size) {
        ssize_t n = direction == IN ? recv(socket, at, size, 0) : send(socket, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int link_read(int socket, void *buffer, size_t size) {
    return transfer(socket, buffer, size, IN);
}

int link_write(int socket, const void *buffer, size_t size) {
    return transfer(socket, (char *)buffer, size, OUT);
}

static void set_patience(int socket, int seconds) {
    struct timeval time = {seconds, 0};
    int one = 1;
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static struct addrinfo *look_up(const struct machine *m, int flags, char *error) {
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *found;
    int r = getaddrinfo(m->address, m->port, &want, &found);
    if (r == 0)
        return found;
    wrong(error, m->address, gai_strerror(r));
    return NULL;
}

static int open_socket(const struct machine *m, char *error) {
    struct addrinfo *list = look_up(m, 0, error);
    int fd = -1;
    if (!list)
        return -1;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        set_patience(fd, PATIENCE);
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            continue;
        wrong(error, m->address, strerror(errno));
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

int link_connect(const struct machines *m, int nid, struct link_hello hello, char error[256]) {
    const struct machine *machine = &m->machine[nid];
    struct tls_side side = {.machines = m, .connects = true, .other = nid};
    struct link_answer answer;
    int fd = open_socket(machine, error);
    if (fd < 0)
        return -1;
    memcpy(hello.magic, MAGIC, sizeof hello.magic);
    hello.from = (uint32_t)m->self;
    hello.to = (uint32_t)nid;
    if (machine->key[0] && !tls_handshake(&side, fd)) {
        close(fd);
        return wrong(error, machine->name, side.error);
    }
    if (link_write(fd, &hello, sizeof hello) || link_read(fd, &answer, sizeof answer)) {
        close(fd);
        return wrong(error, machine->name, "no answer");
    }
    if (answer.error) {
        close(fd);
        return wrong(error, machine->name, strerror(answer.error));
    }
    set_patience(fd, 0);
    return fd;
}

/* Is the other end at the address that the file has for the machine? */
static bool at_address(const struct machine *m, int socket) {
    struct sockaddr_storage other;
    socklen_t size = sizeof other;
    char here[64], there[64], unused[256];
    struct addrinfo *list = look_up(m, 0, unused);
    bool same = false;
    if (!list)
        return false;
    if (getpeername(socket, (struct sockaddr *)&other, &size) == 0 &&
        getnameinfo((struct sockaddr *)&other, size, there, sizeof there, NULL, 0, NI_NUMERICHOST) == 0)
        for (const struct addrinfo *a = list; a; a = a->ai_next)
            same |= getnameinfo(a->ai_addr, a->ai_addrlen, here, sizeof here, NULL, 0, NI_NUMERICHOST) == 0 &&
                    strcmp(here, there) == 0;
    freeaddrinfo(list);
    return same;
}

/* A connection begins with a TLS record (a handshake: 22), or with the hello of an insecure one. */
static int begins_with(int socket) {
    unsigned char first;
    return recv(socket, &first, 1, MSG_PEEK) == 1 ? first : -1;
}

int link_accept(const struct machines *m, int socket, struct link_hello *hello, char error[256]) {
    struct tls_side side = {.machines = m, .other = -1};
    set_patience(socket, PATIENCE);
    bool secure = begins_with(socket) == 22;
    if (secure && !tls_handshake(&side, socket))
        return wrong(error, "a connection was refused", side.error);
    if (link_read(socket, hello, sizeof *hello) || memcmp(hello->magic, MAGIC, sizeof hello->magic) != 0)
        return wrong(error, "a connection was refused", "it is no agent's");
    int nid = (int)hello->from;
    if (hello->from >= NODES_MAX || !m->known[nid] || nid == m->self || hello->to != (uint32_t)m->self)
        return wrong(error, "a connection was refused", "its file of nodes is not ours");
    if (secure ? nid != side.other : m->machine[nid].key[0] || !at_address(&m->machine[nid], socket))
        return wrong(error, m->machine[nid].name, "a connection in its name was refused");
    set_patience(socket, hello->purpose == LINK_PEER ? 0 : PATIENCE);
    return nid;
}

int link_listen(const struct machines *m, char error[256]) {
    const struct machine *self = &m->machine[m->self];
    struct addrinfo *list = look_up(self, AI_PASSIVE, error);
    int one = 1;
    if (!list)
        return -1;
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, 16) < 0) {
        wrong(error, self->address, strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}
