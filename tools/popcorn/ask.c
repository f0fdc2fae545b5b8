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
    if (syscall(SYS_rt_sigqueueinfo, pid, POPCORN_MIGRATE_SIGNAL, &info) < 0 && errno != ESRCH)
        die("process %d cannot be asked: %s", pid, strerror(errno));
}

/* The program's socket, or -1. Whoever else connects is sent away. */
static int accept_program(int listener, pid_t pid, uint32_t token) {
    struct pollfd poll_listener = {.fd = listener, .events = POLLIN};
    for (int tries = 0;; tries++) {
        struct ucred peer = {0};
        socklen_t size = sizeof peer;
        if (poll(&poll_listener, 1, 1000) <= 0) {
            if (process_has_ended(pid))
                return -1;
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

static void show_progress(const struct checkpoint_answer *answer, bool *shown) {
    bool terminal = isatty(STDERR_FILENO), progress = answer->kind == CHECKPOINT_PROGRESS;
    if (progress && terminal)
        fprintf(stderr, "\r%s written", checkpoint_size_text(answer->done));
    else if (*shown)
        fputs("\r\033[K", stderr);
    *shown = progress && terminal;
}

static enum ask_heard hear_failure(const struct asked *asked, const struct checkpoint_answer *answer,
                                   const char *name) {
    if (packers_code(asked->packer) == 1)
        return ASK_PACKER;
    if (answer->text[0])
        die("there is no checkpoint, and the program goes on: %s%s%s%s", name, answer->text,
            answer->error ? ": " : "", answer->error ? strerror(answer->error) : "");
    return ASK_CANNOT;
}

enum ask_heard ask_hear(const struct asked *asked, const char *name, int *cannot) {
    bool shown = false;
    for (;;) {
        struct checkpoint_answer answer;
        ssize_t n = recv(asked->program, &answer, sizeof answer, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != sizeof answer)
            return packers_code(asked->packer) == 1 ? ASK_PACKER : ASK_ENDED;
        answer.text[sizeof answer.text - 1] = 0;
        show_progress(&answer, &shown);
        switch (answer.kind) {
        case CHECKPOINT_PROGRESS:
            continue;
        case CHECKPOINT_CANNOT:
            fprintf(stderr, "popcorn: cannot come along: %s%s\n", name, answer.text);
            ++*cannot;
            continue;
        case CHECKPOINT_FAILED:
            return hear_failure(asked, &answer, name);
        case CHECKPOINT_STANDS:
            return ASK_STANDS;
        default:
            return ASK_WRITTEN;
        }
    }
}

void ask_cannot(int things) {
    die("there is no checkpoint, and the program goes on: %d thing%s cannot come along (--drop leaves them "
        "behind)",
        things, things == 1 ? "" : "s");
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

/* The packer has no part in what the command has with other processes. */
static void close_others(int one, int other) {
    unsigned low = (unsigned)(one < other ? one : other), high = (unsigned)(one < other ? other : one);
    if (low > 3)
        close_range(3, low - 1, 0);
    if (high > low + 1)
        close_range(low > 2 ? low + 1 : 3, high - 1, 0);
    close_range(high > 2 ? high + 1 : 3, ~0U, 0);
}

struct asked ask_begin(pid_t pid) {
    uint32_t token;
    int listener = listen_for(&token);
    call(pid, token);
    struct asked asked = {.pid = pid, .program = accept_program(listener, pid, token), .packer = -1};
    close(listener);
    return asked;
}

void ask_require(const struct asked *asked) {
    if (asked->program < 0)
        die("process %d has ended", asked->pid);
}

void ask_write(struct asked *asked, uint32_t flags, int output, int level) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("no socket: %s", strerror(errno));
    asked->packer = fork();
    if (asked->packer < 0)
        die("cannot fork: %s", strerror(errno));
    if (asked->packer == 0) {
        close_others(pair[0], output);
        pack(pair[0], output, level, flags & CHECKPOINT_LIVE);
    }
    close(pair[0]);
    send_order(asked->program, flags, pair[1]);
    close(pair[1]);
}

void ask_next(const struct asked *asked, int table) {
    char word = CHECKPOINT_WORD_NEXT;
    if (table >= 0)
        ask_send(asked->program, &word, 1, &table, 1);
    else
        send(asked->program, &word, 1, MSG_NOSIGNAL); /* whether it is still there is heard */
}

void ask_end(struct asked *asked) {
    close(asked->program);
    waitpid(asked->packer, NULL, 0);
}

bool ask_packed(const struct asked *asked) {
    return packers_code(asked->packer) == 0;
}

bool ask_finish(struct asked *asked) {
    int cannot = 0;
    switch (ask_hear(asked, "", &cannot)) {
    case ASK_CANNOT:
        ask_cannot(cannot);
    case ASK_PACKER:
        return false;
    case ASK_ENDED:
        die("the program ended, or broke off; there is no checkpoint");
    default:
        return ask_packed(asked);
    }
}
