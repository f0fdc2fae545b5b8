/* SPDX-License-Identifier: MIT */
/* Holds locks, listeners and a large epoll set until SIGUSR1, and says then whether they are still what they
 * were. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS = 1500 };

static void handler(int sig) {
    (void)sig;
}

/* Does another process get this lock? */
static int is_free(const char *file, int whole, off_t start) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct flock range = {.l_type = F_WRLCK, .l_start = start, .l_len = 10};
        int fd = open(file, O_RDWR);
        _exit((whole ? flock(fd, LOCK_EX | LOCK_NB) : fcntl(fd, F_SETLK, &range)) == 0);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static int open_file(const char *file) {
    int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, "some contents", 13) != 13)
        exit(2);
    return fd;
}

static int connects(int family, const void *address, socklen_t size) {
    int fd = socket(family, SOCK_STREAM, 0), good = connect(fd, address, size) == 0;
    close(fd);
    return good;
}

/* Two socketpairs with something in flight: a stream whose one end will say no more, and messages. */
static int stream[2], message[2];

static int begin_pairs(int messages) {
    static char bytes[3000];
    memset(bytes, 's', sizeof bytes);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, stream) || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, message))
        return 0;
    if (messages && (write(message[1], "one", 3) != 3 || write(message[1], "three", 5) != 5))
        return 0;
    return write(stream[0], bytes, sizeof bytes) == sizeof bytes && write(stream[1], "back", 4) == 4 &&
           !shutdown(stream[0], SHUT_WR);
}

static void end_pairs(int messages) {
    static char bytes[4000], three[10] = "";
    ssize_t there = read(stream[1], bytes, sizeof bytes), end = read(stream[1], bytes + 3000, 1);
    ssize_t back = read(stream[0], bytes + 3000, 10);
    printf("stream %zd %.3s %zd, back %zd, ", there, bytes, end, back);
    if (messages) {
        ssize_t first = read(message[0], bytes, 10), second = read(message[0], three, 9);
        printf("messages %zd %zd %s, ", first, second, three);
    }
    printf("new ones %d\n", write(message[0], "new", 3) == 3 && read(message[1], bytes, 10) == 3);
}

int main(int argc, char **argv) {
    (void)argv;
    struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "listener"};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct rlimit limit = {EVENTS + 200, EVENTS + 200};
    struct flock range = {.l_type = F_WRLCK, .l_start = 100, .l_len = 50};
    socklen_t size = sizeof six;
    int on = 1, event[EVENTS];
    sigset_t mask, none;
    sigemptyset(&none);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signal(SIGUSR1, handler);
    setrlimit(RLIMIT_NOFILE, &limit);
    int whole = open_file("whole"), part = open_file("part"), plain = open_file("plain");
    if (flock(whole, LOCK_EX) || fcntl(part, F_SETLK, &range) || plain < 0)
        return 3;
    int at_path = socket(AF_UNIX, SOCK_STREAM, 0), at_six = socket(AF_INET6, SOCK_STREAM, 0),
        at_four = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(at_six, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(at_path, (void *)&path, sizeof path) || listen(at_path, 5) ||
        bind(at_six, (void *)&six, sizeof six) || listen(at_six, 5) ||
        getsockname(at_six, (void *)&six, &size))
        return 4;
    four.sin_port = six.sin6_port;
    if (bind(at_four, (void *)&four, sizeof four) || listen(at_four, 5))
        return 5;
    int epoll = epoll_create1(0);
    for (int i = 0; i < EVENTS; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        event[i] = eventfd(0, 0);
        if (event[i] < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, event[i], &e))
            return 6;
    }
    if (!begin_pairs(argc > 1))
        return 8;
    fprintf(stderr, "ready\n");
    sigsuspend(&none);
    printf("free: whole %d, part %d, before it %d, plain %d\n", is_free("whole", 1, 0),
           is_free("part", 0, 120), is_free("part", 0, 0), is_free("plain", 1, 0));
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    six.sin6_addr = in6addr_loopback;
    size = sizeof on;
    getsockopt(at_six, IPPROTO_IPV6, IPV6_V6ONLY, &on, &size);
    printf("listens: %d %d %d, only 6: %d\n", connects(AF_UNIX, &path, sizeof path),
           connects(AF_INET, &four, sizeof four), connects(AF_INET6, &six, sizeof six), on);
    int right = 0;
    for (int i = 0; i < EVENTS; i++) {
        struct epoll_event e = {0};
        uint64_t one = 1;
        if (write(event[i], &one, 8) == 8 && epoll_wait(epoll, &e, 1, 0) == 1 && e.data.u32 == (uint32_t)i)
            right++;
        if (read(event[i], &one, 8) != 8)
            return 7;
    }
    printf("%d of %d events\n", right, EVENTS);
    end_pairs(argc > 1);
    return 0;
}
