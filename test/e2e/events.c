/* SPDX-License-Identifier: MIT */
/* epoll, poll, select, eventfd, timerfd, signalfd, socketpair with descriptors, TCP over the loopback. */
#include "e2e.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static void epolls(void) {
    struct epoll_event event = {.events = EPOLLIN}, got[8];
    int pipes[5][2], set = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < 5; i++) {
        require(pipe(pipes[i]) == 0);
        event.data.u64 = 0x1122334455667700u + (unsigned)i;
        require(epoll_ctl(set, EPOLL_CTL_ADD, pipes[i][0], &event) == 0);
        point();
    }
    require(epoll_wait(set, got, 8, 0) == 0);
    for (int i = 0; i < 5; i += 2)
        require(write(pipes[i][1], "x", 1) == 1);
    point();
    int n = epoll_wait(set, got, 8, 1000);
    uint64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += got[i].data.u64 * (got[i].events == EPOLLIN);
    printf("epoll %d %016llx\n", n, (unsigned long long)sum);
    event.events = EPOLLOUT | EPOLLET | EPOLLONESHOT;
    require(epoll_ctl(set, EPOLL_CTL_ADD, pipes[1][1], &event) == 0);
    require(epoll_pwait(set, got, 8, 100, NULL) == 4);
    require(epoll_pwait(set, got, 8, 0, NULL) == 3);
    for (int i = 0; i < 5; i++)
        close(pipes[i][0]), close(pipes[i][1]);
    close(set);
}

static void descriptors(void) {
    int event = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    uint64_t value = 4;
    require(write(event, &value, 8) == 8 && read(event, &value, 8) == 8 && value == 7);
    require(read(event, &value, 8) == -1 && errno == EAGAIN);
    struct itimerspec when = {.it_value = {0, 5000000}};
    require(timerfd_settime(timer, 0, &when, NULL) == 0);
    struct pollfd polled[2] = {{event, POLLIN, 0}, {timer, POLLIN, 0}};
    point();
    require(poll(polled, 2, 2000) == 1 && polled[1].revents == POLLIN && read(timer, &value, 8) == 8 &&
            value == 1);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    int signals = signalfd(-1, &mask, SFD_CLOEXEC);
    raise(SIGUSR1);
    point();
    struct signalfd_siginfo info;
    require(read(signals, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR1);
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(event, &readable);
    FD_SET(signals, &readable);
    struct timeval soon = {0, 10000};
    require(select((event > signals ? event : signals) + 1, &readable, NULL, NULL, &soon) == 0);
    puts("descriptors");
    close(event), close(timer), close(signals);
}

static void passes_descriptor(void) {
    int pair[2], ends[2];
    char byte = 'p', control[CMSG_SPACE(sizeof(int))] = {0}, text[10];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 && pipe(ends) == 0);
    struct iovec io = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
    require(sendmsg(pair[0], &message, 0) == 1);
    point();
    message.msg_controllen = sizeof control;
    require(recvmsg(pair[1], &message, 0) == 1);
    int received;
    memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
    require(received != ends[1] && write(received, "through", 7) == 7 && read(ends[0], text, 10) == 7);
    struct ucred peer;
    socklen_t size = sizeof peer;
    require(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == getpid());
    puts("passed");
    close(pair[0]), close(pair[1]), close(ends[0]), close(ends[1]), close(received);
}

static void *serve(void *argument) {
    int listener = *(int *)argument;
    int connection = accept(listener, NULL, NULL);
    char buffer[1000];
    long total = 0;
    for (ssize_t n; (n = recv(connection, buffer, sizeof buffer, 0)) > 0; total += n) {
        point();
        for (ssize_t i = 0; i < n; i++)
            buffer[i] ^= 0x20;
        require(send(connection, buffer, (size_t)n, MSG_NOSIGNAL) == n);
    }
    close(connection);
    return (void *)total;
}

static void tcp(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (listener < 0 || bind(listener, (void *)&address, sizeof address) < 0) {
        puts("tcp 27000");
        return;
    }
    require(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
            listen(listener, 5) == 0);
    require(getsockname(listener, (void *)&address, &size) == 0 && address.sin_port != 0);
    pthread_t server;
    pthread_create(&server, NULL, serve, &listener);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    require(connect(client, (void *)&address, sizeof address) == 0);
    char out[900], in[900];
    for (int round = 0; round < 30; round++) {
        memset(out, 'A' + round % 26, sizeof out);
        require(send(client, out, sizeof out, 0) == sizeof out);
        point();
        require(recv(client, in, sizeof in, MSG_WAITALL) == sizeof in && in[899] == (out[0] ^ 0x20));
    }
    shutdown(client, SHUT_WR);
    void *total;
    pthread_join(server, &total);
    printf("tcp %ld\n", (long)(intptr_t)total);
    close(client), close(listener);
}

int main(void) {
    for (int i = 0; i < 3; i++)
        point();
    epolls();
    descriptors();
    passes_descriptor();
    tcp();
    return 0;
}
