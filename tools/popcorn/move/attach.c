/* SPDX-License-Identifier: MIT */
/* How a move that waits or goes on here is reached again: by a unix address that has its name. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "move/receiver.h"
#include "popcorn.h"

static struct sockaddr_un address_of(const uint8_t lock[32]) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[MOVE_ID];
    move_name(lock, name);
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, MOVE_ADDRESS "%s", name);
    return address;
}

int move_listen(const uint8_t lock[32], int callers) {
    struct sockaddr_un address = address_of(lock);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, callers) < 0)
        die("no socket: %s", strerror(errno));
    return fd;
}

/* Anybody on this machine can see the name of a move that is over and take its place. */
static int reach(const uint8_t lock[32]) {
    struct sockaddr_un address = address_of(lock);
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("no socket: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid())
        return fd;
    close(fd);
    return -1;
}

static void read_hex(const char *text, uint8_t *bytes, size_t size, const char *option) {
    bool right = strlen(text) == 2 * size && strspn(text, "0123456789abcdefABCDEF") == 2 * size;
    for (size_t i = 0; right && i < size; i++)
        right = sscanf(text + 2 * i, "%2hhx", &bytes[i]) == 1;
    if (!right)
        die("--%s wants %zu hexadecimal digits", option, 2 * size);
}

/* One direction, as far as it goes at once. */
static bool pump(int from, int to) {
    char bytes[65536];
    ssize_t n = read(from, bytes, sizeof bytes);
    return n > 0 ? write_whole(to, bytes, (size_t)n) : n < 0 && errno == EINTR;
}

_Noreturn void move_attach(const char *name) {
    uint8_t lock[32] = {0};
    read_hex(name, lock, (MOVE_ID - 1) / 2, "attach");
    int fd = reach(lock);
    if (fd < 0) {
        frame_write(STDOUT_FILENO, MOVE_GONE, NULL, 0);
        exit(1);
    }
    for (;;) {
        struct pollfd ready[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
        if (poll(ready, 2, -1) < 0)
            continue;
        if ((ready[0].revents && !pump(STDIN_FILENO, fd)) || (ready[1].revents && !pump(fd, STDOUT_FILENO)))
            exit(0);
    }
}

_Noreturn void move_release(const char *text) {
    static uint8_t payload[MOVE_FRAME_MOST];
    struct move_commit commit = {.flags = MOVE_DETACH};
    struct move_started started;
    struct move_frame frame;
    uint8_t lock[32];
    read_hex(text, commit.secret, MOVE_SECRET, "commit");
    move_lock(commit.secret, lock);
    int fd = reach(lock);
    if (fd < 0)
        die("nobody waits here for that move: the program has ended, or was moved to another machine");
    if (!frame_write(fd, MOVE_COMMIT, &commit, sizeof commit) || !frame_read(fd, &frame, payload) ||
        frame.kind != MOVE_STARTED || frame.size != sizeof started)
        die("the program cannot be reached");
    memcpy(&started, payload, sizeof started);
    printf("process %d goes on by itself\n", started.pid);
    exit(0);
}
