/* SPDX-License-Identifier: MIT */
/*
 * popcorn checkpoint: has a running program written to a file. The program writes, as popcorn/checkpoint.h
 * describes; the command packs what comes and sees to it that the file is there whole or not at all.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint_file.h"
#include "popcorn.h"
#include "process.h"

#define PATIENCE 60 /* seconds until the program answers at all */

struct request {
    const char *output;
    pid_t pid;
    uint32_t flags;
    int level;
};

enum { OPTION_STOP = 256, OPTION_NO_PROGRAM, OPTION_DROP };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "The checkpoint, which is there whole or not at all; - for standard output",
     0},
    {"stop", OPTION_STOP, NULL, 0, "End the program when it has been written (exit code 75)", 0},
    {"no-program", OPTION_NO_PROGRAM, NULL, 0,
     "Leave the program's file out: where it goes on, the same file must lie at the same path", 0},
    {"drop", OPTION_DROP, "WHAT", 0,
     "Leave behind what cannot come along: sockets, pipes, files, children (a list with commas). The program "
     "sees a closed "
     "connection in its place",
     0},
    {"compress", 'z', "LEVEL", 0, "zstd's level, 1 to 19 (default 1); 0: not at all", 0},
    {0},
};

static uint32_t drop_flags(const char *list) {
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

static int read_number(const char *text, long least, long most, const char *what) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < least || value > most)
        die("\"%s\" is no %s", text, what);
    return (int)value;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct request *request = state->input;
    switch (key) {
    case 'o':
        request->output = argument;
        return 0;
    case 'z':
        request->level = read_number(argument, 0, 19, "level of compression");
        return 0;
    case OPTION_STOP:
        request->flags |= CHECKPOINT_STOP;
        return 0;
    case OPTION_NO_PROGRAM:
        request->flags |= CHECKPOINT_NO_PROGRAM;
        return 0;
    case OPTION_DROP:
        request->flags |= drop_flags(argument);
        return 0;
    case ARGP_KEY_ARG:
        if (request->pid)
            die("checkpoint takes one PID: \"%s\" is too much", argument);
        request->pid = read_number(argument, 1, INT32_MAX, "process id");
        return 0;
    case ARGP_KEY_END:
        if (!request->pid || !request->output)
            die("checkpoint wants PID and -o FILE. Try `popcorn checkpoint --help`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options,
    parse,
    "PID -o FILE",
    "Writes a running popcorn program to a file, from which `popcorn restart` lets it go on, on "
    "any of its ISAs.\vThe program goes on meanwhile and afterwards, unless --stop is given. "
    "What cannot come along is named before anything is stopped.",
    NULL,
    NULL,
    NULL};

/*
 * The file: written beside its name, and given it when it is whole.
 */
static char *temporary;

static void remove_temporary(void) {
    if (temporary)
        unlink(temporary);
    temporary = NULL;
}

static int open_output(const char *path) {
    if (!strcmp(path, "-"))
        return STDOUT_FILENO;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        die("out of memory");
    int fd = mkostemp(temporary, O_CLOEXEC); /* 0600, and never through a link */
    if (fd < 0) {
        int error = errno;
        temporary = NULL;
        die("%s: %s", path, strerror(error));
    }
    return fd;
}

static void sync_folder(const char *path) {
    char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        slash[slash == folder] = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

static void keep_output(int fd, const char *path) {
    if (!temporary)
        return;
    if (fsync(fd) < 0 || rename(temporary, path) < 0) {
        int error = errno;
        remove_temporary();
        die("%s: %s", path, strerror(error));
    }
    temporary = NULL;
    sync_folder(path);
}

/*
 * The program.
 */

/* Does it handle the run time's own signal? Where this machine's rules keep memory from being read, that has
 * to do. */
static bool handles_signal(pid_t pid) {
    char path[64], line[256];
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status))
        sscanf(line, "SigCgt: %llx", &caught);
    if (status)
        fclose(status);
    return caught >> (POPCORN_MIGRATE_SIGNAL - 1) & 1;
}

static void check_program(pid_t pid) {
    struct popcorn_control control;
    if (kill(pid, 0) < 0)
        die(errno == ESRCH ? "there is no process %d" : "process %d is not yours", pid);
    if (!process_read(pid, &control) || !handles_signal(pid))
        die("process %d is no popcorn program, or not one of yours", pid);
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

static void send_order(int program, const struct request *request, int to) {
    struct checkpoint_order order = {CHECKPOINT_ORDER_MAGIC, CHECKPOINT_VERSION, request->flags};
    struct iovec piece = {&order, sizeof order};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &to, sizeof to);
    if (sendmsg(program, &message, MSG_NOSIGNAL) < 0)
        die("the program cannot be asked: %s", strerror(errno));
}

/*
 * What the program answers, told as it comes. Its last word.
 */
static struct checkpoint_answer hear(int program) {
    bool terminal = isatty(STDERR_FILENO), shown = false;
    int cannot = 0;
    for (;;) {
        struct checkpoint_answer answer;
        ssize_t n = recv(program, &answer, sizeof answer, 0);
        if (n < 0 && errno == EINTR)
            continue;
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
            if (answer.text[0])
                die("there is no checkpoint, and the program goes on: %s%s%s", answer.text,
                    answer.error ? ": " : "", answer.error ? strerror(answer.error) : "");
            die("there is no checkpoint, and the program goes on: %d thing%s cannot come along (--drop "
                "leaves them behind)",
                cannot, cannot == 1 ? "" : "s");
        default:
            return answer;
        }
    }
}

/* Packs what the program writes to a pipe: a process of its own, so that both can be heard. Its exit code
 * says all. */
static _Noreturn void pack(int from, int to, int level) {
    struct checkpoint_input in;
    struct checkpoint_output out = {.fd = to, .level = level};
    struct checkpoint_chunk chunk;
    const void *contents;
    bool more = true;
    temporary = NULL; /* the parent's */
    char first;
    if (recv(from, &first, 1, MSG_PEEK) <= 0)
        exit(2); /* the program has written nothing: it says why itself */
    checkpoint_open(&in, from, "the program");
    checkpoint_write_head(&out, &in.head);
    while (more) {
        more = checkpoint_next(&in, &chunk, &contents);
        checkpoint_write(&out, &chunk, contents);
    }
    exit(0);
}

int command_checkpoint(int argc, char **argv) {
    struct request request = {.level = 1};
    uint32_t token;
    int pair[2], status;
    argp_parse(&parser, argc, argv, 0, NULL, &request);
    check_program(request.pid);
    atexit(remove_temporary);
    int output = open_output(request.output), listener = listen_for(&token);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("no socket: %s", strerror(errno));
    call(request.pid, token);
    int program = accept_program(listener, request.pid, token);
    pid_t packer = fork();
    if (packer < 0)
        die("cannot fork: %s", strerror(errno));
    if (packer == 0) {
        close(pair[1]);
        close(program);
        pack(pair[0], output, request.level);
    }
    close(pair[0]);
    send_order(program, &request, pair[1]);
    close(pair[1]);
    struct checkpoint_answer last = hear(program);
    shutdown(program, 0);
    if (waitpid(packer, &status, 0) != packer || !WIFEXITED(status) || WEXITSTATUS(status))
        exit(1); /* it has said why */
    keep_output(output, request.output);
    char word = request.flags & CHECKPOINT_STOP ? 1 : 0;
    if (send(program, &word, 1, MSG_NOSIGNAL) < 0 && word)
        die("the program has gone before it could be ended");
    (void)last;
    return 0;
}
