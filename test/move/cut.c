/* SPDX-License-Identifier: MIT */
/*
 * cut HOST COMMAND: in place of ssh. Runs the command and passes bytes both ways. If the environment has
 * CUT=FILE and that file is there, it holds "to N", "from N" or "ms N": the connection is lost after so many
 * bytes in that direction or milliseconds, once, as the file is removed.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long left_to = -1, left_from = -1, end = -1;

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void read_cut(void) {
    char what[8];
    long n;
    const char *path = getenv("CUT");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file)
        return;
    if (fscanf(file, "%7s %ld", what, &n) == 2 && unlink(path) == 0) {
        left_to = strcmp(what, "to") ? -1 : n;
        left_from = strcmp(what, "from") ? -1 : n;
        end = strcmp(what, "ms") ? -1 : now() + n;
    }
    fclose(file);
}

/* Nothing more goes through, either way. */
static void lose(void) {
    fprintf(stderr, "cut: the connection is lost\n");
    _exit(255);
}

static int pass(int from, int to, long *left) {
    char bytes[65536];
    size_t most = *left >= 0 && *left < (long)sizeof bytes ? (size_t)*left : sizeof bytes;
    ssize_t n = most ? read(from, bytes, most) : 0;
    if (n <= 0 && most)
        return 0;
    for (ssize_t done = 0; done < n;) {
        ssize_t written = write(to, bytes + done, (size_t)(n - done));
        if (written <= 0)
            return 0;
        done += written;
    }
    if (*left >= 0 && (*left -= n) <= 0)
        lose();
    return 1;
}

int main(int argc, char **argv) {
    int to[2], from[2], status;
    if (argc != 3 || pipe(to) || pipe(from))
        return 255;
    read_cut();
    signal(SIGPIPE, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        setsid();
        dup2(to[0], 0);
        dup2(from[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execl("/bin/sh", "sh", "-c", argv[2], (char *)NULL);
        _exit(255);
    }
    close(to[0]);
    close(from[1]);
    struct pollfd ready[2] = {{.fd = 0, .events = POLLIN}, {.fd = from[0], .events = POLLIN}};
    while (ready[1].fd >= 0) {
        poll(ready, 2, end >= 0 ? 1 : -1);
        if (end >= 0 && now() >= end)
            lose();
        if (ready[1].revents && !pass(from[0], 1, &left_from))
            ready[1].fd = -1;
        if (ready[0].revents && !pass(0, to[1], &left_to)) {
            close(to[1]);
            ready[0].fd = -1;
        }
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
