/* SPDX-License-Identifier: MIT */
/*
 * server PORT: counts, by epoll, for whoever connects to 127.0.0.1 or ::1. A line `add N` adds, `get`
 * answers, `quit` ends the server. A client's connection lasts for one line. `server PORT LINE` is the
 * client; it tries again while nobody listens.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in address = {.sin_family = AF_INET};
static struct sockaddr_in6 address6 = {.sin6_family = AF_INET6};

static int listen_at(int family, const void *at, socklen_t size) {
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, at, size) || listen(fd, 16)) {
        perror("server");
        exit(3);
    }
    return fd;
}

/* Serves one line; true if it was the last. */
static int serve(int client, unsigned long *sum) {
    char line[64] = "", answer[64];
    if (recv(client, line, sizeof line - 1, 0) <= 0)
        return 0;
    if (!strncmp(line, "add ", 4))
        *sum += strtoul(line + 4, NULL, 10);
    int size = snprintf(answer, sizeof answer, "%lu\n", *sum);
    send(client, answer, (size_t)size, MSG_NOSIGNAL);
    return !strncmp(line, "quit", 4);
}

static int run(void) {
    int listener[2] = {listen_at(AF_INET, &address, sizeof address),
                       listen_at(AF_INET6, &address6, sizeof address6)};
    int epoll = epoll_create1(0), done = 0;
    unsigned long sum = 0;
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = listener[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, listener[i], &event);
    }
    while (!done) {
        struct epoll_event event;
        if (epoll_wait(epoll, &event, 1, -1) != 1)
            continue;
        int client = accept(event.data.fd, NULL, NULL);
        if (client >= 0) {
            done = serve(client, &sum);
            close(client);
        }
    }
    printf("sum %lu\n", sum);
    return 0;
}

/* True when the line has been answered. */
static int ask(const char *line, int family) {
    char answer[64];
    int fd = socket(family, SOCK_STREAM, 0);
    ssize_t n = -1;
    if (connect(fd, family == AF_INET ? (void *)&address : (void *)&address6,
                family == AF_INET ? sizeof address : sizeof address6) == 0 &&
        send(fd, line, strlen(line), MSG_NOSIGNAL) > 0)
        n = recv(fd, answer, sizeof answer - 1, 0);
    close(fd);
    return n > 0;
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    address.sin_port = address6.sin6_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address6.sin6_addr = in6addr_loopback;
    if (argc == 2)
        return run();
    for (int tries = 0; tries < 6000; tries++) {
        struct timespec tick = {0, 10000000};
        if (ask(argv[2], tries & 1 || argc > 3 ? AF_INET6 : AF_INET))
            return 0;
        nanosleep(&tick, NULL);
    }
    return 1;
}
