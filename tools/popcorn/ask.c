/* SPDX-License-Identifier: MIT */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint_file.h"
#include "popcorn.h"
#include "process.h"

#define PATIENCE 60 /* seconds until the program answers at all */

uint32_t ask_drop_flags(const char *list) {
    static const struct {
        const char *name;
        uint32_t flag;
    } known[] = {{"sockets", CHECKPOINT_DROP_SOCKETS},
                 {"pipes", CHECKPOINT_DROP_PIPES},
                 {"files", CHECKPOINT_DROP_FILES},
                 {"children", CHECKPOINT_DROP_CHILDREN}};
    uint32_t flags = 0;
    while (*list) {
        size_t length = strcspn(list, ","), i = 0;
        while (i < 4 && (strlen(known[i].name) != length || strncmp(known[i].name, list, length)))
            i++;
        if (i == 4)
            die("--drop takes sockets, pipes, files and children, not \"%.*s\"", (int)length, list);
        flags |= known[i].flag;
        list += length + (list[length] == ',');
    }
    return flags;
}

void ask_check_program(pid_t pid) {
    if (kill(pid, 0) < 0)
        die(errno == ESRCH ? "there is no process %d" : "process %d is not yours", pid);
    if (!process_is_program(pid))
        process_refuse(pid);
}

static int listen_for(uint32_t *token) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || getrandom(token, sizeof *token, 0) != sizeof *token)
        die("no socket: %s", strerror(errno));
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, CHECKPOINT_ADDRESS "%08x", *token);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0)
        die("no socket: %s", strerror(errno));
    return fd;
}

static void call(pid_t pid, uint32_t token) {
    siginfo_t info = {0};
    info.si_signo = POPCORN_MIGRATE_SIGNAL;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)CHECKPOINT_VALUE(token);
    if (syscall(SYS_rt_sigqueueinfo, pid, POPCORN_MIGRATE_SIGNAL, &info) < 0)
        die("process %d cannot be asked: %s", pid, strerror(errno));
}

/* The program's socket. Whoever else connects is sent away. */
static int accept_program(int listener, pid_t pid, uint32_t token) {
    struct pollfd poll_listener = {.fd = listener, .events = POLLIN};
    for (int tries = 0;; tries++) {
        struct ucred peer = {0};
        socklen_t size = sizeof peer;
        if (poll(&poll_listener, 1, 1000) <= 0) {
            if (tries < PATIENCE) {
                call(pid, token); /* it may have been about to make another checkpoint, or to begin */
                continue;
            }
            die("process %d does not answer: is another checkpoint being made of it, or is it stopped?", pid);
        }
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == pid)
            return fd;
        if (fd >= 0)
            close(fd);
    }
}

bool ask_send(int program, const void *words, size_t size, const int *file, int files) {
    struct iovec piece = {(void *)words, size};
    union {
        char bytes[CMSG_SPACE(ASK_MOST_FILES * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    size_t bytes = (size_t)files * sizeof(int);
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(bytes)};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(rights), file, bytes);
    return sendmsg(program, &message, MSG_NOSIGNAL) >= 0;
}

static void send_order(int program, uint32_t flags, int to) {
    struct checkpoint_order order = {CHECKPOINT_ORDER_MAGIC, CHECKPOINT_VERSION, flags};
    if (!ask_send(program, &order, sizeof order, &to, 1))
        die("the program cannot be asked: %s", strerror(errno));
}

/* How the packer ended: 0 all is written, 1 it has said what is wrong, 2 the program broke off. */
static int packers_code(pid_t packer) {
    int status;
    if (waitpid(packer, &status, 0) != packer || !WIFEXITED(status))
        die("the process that packs the checkpoint was killed");
    return WEXITSTATUS(status);
}

/*
 * What the program answers, told as it comes, until all has been written. If it has not been, ends with one
 * line; false if the packer has said it.
 */
static bool hear(int program, pid_t packer) {
    bool terminal = isatty(STDERR_FILENO), shown = false;
    int cannot = 0;
    for (;;) {
        struct checkpoint_answer answer;
        ssize_t n = recv(program, &answer, sizeof answer, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != sizeof answer && packers_code(packer) == 1)
            return false;
        if (n != sizeof answer)
            die("the program ended, or broke off; there is no checkpoint");
        answer.text[sizeof answer.text - 1] = 0;
        if (shown && answer.kind != CHECKPOINT_PROGRESS)
            fputs("\r\033[K", stderr);
        switch (answer.kind) {
        case CHECKPOINT_PROGRESS:
            shown = terminal;
            if (terminal)
                fprintf(stderr, "\r%s written", checkpoint_size_text(answer.done));
            continue;
        case CHECKPOINT_CANNOT:
            fprintf(stderr, "popcorn: cannot come along: %s\n", answer.text);
            cannot++;
            continue;
        case CHECKPOINT_FAILED:
            if (packers_code(packer) == 1)
                return false;
            if (answer.text[0])
                die("there is no checkpoint, and the program goes on: %s%s%s", answer.text,
                    answer.error ? ": " : "", answer.error ? strerror(answer.error) : "");
            die("there is no checkpoint, and the program goes on: %d thing%s cannot come along (--drop "
                "leaves them behind)",
                cannot, cannot == 1 ? "" : "s");
        default:
            return true;
        }
    }
}

/* Packs what the program writes: a process of its own, so that both can be heard. Its exit code says all. */
static _Noreturn void pack(int from, int to, int level, bool unmapped) {
    struct checkpoint_input in = {.quiet = true};
    struct checkpoint_output out = {.fd = to, .level = level, .unmapped = unmapped, .passes_on = true};
    struct checkpoint_chunk chunk;
    const void *contents;
    bool more = true;
    checkpoint_open(&in, from, "the program");
    checkpoint_write_head(&out, &in.head);
    while (more) {
        more = checkpoint_next(&in, &chunk, &contents);
        checkpoint_write(&out, &chunk, contents);
    }
    _exit(0);
}

struct asked ask_begin(pid_t pid) {
    uint32_t token;
    int listener = listen_for(&token);
    call(pid, token);
    struct asked asked = {.pid = pid, .program = accept_program(listener, pid, token), .packer = -1};
    close(listener);
    return asked;
}

void ask_write(struct asked *asked, uint32_t flags, int output, int level) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("no socket: %s", strerror(errno));
    asked->packer = fork();
    if (asked->packer < 0)
        die("cannot fork: %s", strerror(errno));
    if (asked->packer == 0) {
        close(pair[1]);
        close(asked->program);
        pack(pair[0], output, level, flags & CHECKPOINT_LIVE);
    }
    close(pair[0]);
    send_order(asked->program, flags, pair[1]);
    close(pair[1]);
}

bool ask_finish(struct asked *asked) {
    return hear(asked->program, asked->packer) && packers_code(asked->packer) == 0;
}
