/* SPDX-License-Identifier: MIT */
/* What both ends of a move share, and how a command is run on another machine. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "move/move.h"
#include "popcorn.h"
#include "popcorn/sha256.h"

void move_lock(const uint8_t secret[MOVE_SECRET], uint8_t lock[32]) {
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, secret, MOVE_SECRET);
    sha256_end(&hash, lock);
}

void move_name(const uint8_t lock[32], char name[MOVE_ID]) {
    for (int i = 0; i < (MOVE_ID - 1) / 2; i++)
        snprintf(name + 2 * i, 3, "%02x", lock[i]);
}

bool write_whole(int fd, const void *from, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)from + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

bool read_whole(int fd, void *to, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, (char *)to + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

bool frame_write(int fd, enum move_frame_kind kind, const void *payload, size_t size) {
    struct move_frame frame = {kind, (uint32_t)size};
    return write_whole(fd, &frame, sizeof frame) && write_whole(fd, payload, size);
}

bool frame_read(int fd, struct move_frame *frame, void *payload) {
    return read_whole(fd, frame, sizeof *frame) && frame->size <= MOVE_FRAME_MOST &&
           read_whole(fd, payload, frame->size);
}

static void deaf(void) {
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

/* Standard input to standard error, until nobody can write there any more; once the process that standard
 * output stands for has ended, to nobody. */
static _Noreturn void pass_errors(void) {
    char bytes[4096];
    struct pollfd ready[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                              {.fd = STDOUT_FILENO, .events = POLLIN}};
    for (;;) {
        if (poll(ready, 2, -1) < 0)
            continue;
        if (ready[0].revents) {
            ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
            if (n <= 0)
                _exit(0);
            write_whole(STDERR_FILENO, bytes, (size_t)n);
        } else if (ready[1].revents) {
            ready[1].fd = -1;
            dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        }
    }
}

int remote_errors(pid_t *passer) {
    int ends[2], self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (self < 0 || pipe2(ends, O_CLOEXEC) < 0)
        die("no pipe: %s", strerror(errno));
    *passer = fork();
    if (*passer < 0)
        die("cannot fork: %s", strerror(errno));
    if (*passer == 0) {
        deaf();
        signal(SIGPIPE, SIG_IGN);
        dup2(ends[0], STDIN_FILENO);
        dup2(self, STDOUT_FILENO);
        close_range(3, ~0U, 0);
        pass_errors();
    }
    close(ends[0]);
    close(self);
    return ends[1];
}

/*
 * The terminal's signals are not for ssh: the one that was meant by them decides whether the connection ends.
 * While it asks for a password, ssh sees to them by itself.
 */
int remote_run(char *const *word, const char *command, int errors, pid_t *ssh) {
    char *argument[64];
    int pair[2], n = 0;
    sigset_t none;
    while (word[n] && n < 62) {
        argument[n] = word[n];
        n++;
    }
    argument[n] = (char *)command;
    argument[n + 1] = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("no socket: %s", strerror(errno));
    *ssh = fork();
    if (*ssh < 0)
        die("cannot fork: %s", strerror(errno));
    if (*ssh == 0) {
        deaf();
        signal(SIGPIPE, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        dup2(pair[1], STDIN_FILENO);
        dup2(pair[1], STDOUT_FILENO);
        dup2(errors, STDERR_FILENO);
        close_range(3, ~0U, 0);
        execvp(argument[0], argument);
        fprintf(stderr, "popcorn: cannot run %s: %s\n", argument[0], strerror(errno));
        _exit(127);
    }
    close(pair[1]);
    return pair[0];
}
