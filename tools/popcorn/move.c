/* SPDX-License-Identifier: MIT */
/*
 * popcorn move: a running program goes on on another machine, over ssh. This command brings the two sides
 * together: the program writes itself into the connection, the other machine says that it has all of it and
 * only waits, and then the program's process here becomes the relay (relay.c). Whatever fails before that
 * leaves the program where it is.
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
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "move/move.h"
#include "move/terminal.h"
#include "popcorn.h"
#include "program.h"
#include "restart.h"
#include "tree_ask.h"

#define SSH "ssh -T -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
/* 255 as ssh itself when it cannot connect: not what a shell there says. */
#define SSH_SCRIPT                                                                                           \
    "set -- %s \"$@\"; command -v \"$1\" >/dev/null || { echo \"popcorn: there is no $1 here\" >&2; exit "   \
    "255; }; exec \"$@\""
#define CANNOT_RUN 126 /* what a shell says of a command that it cannot run */
#define NOT_THERE 127  /* and of one that it does not find */
#define ABORT_ATTEMPTS 3
#define ERRORS_PATIENCE 1000 /* ms */
#define ABORT_PATIENCE 10    /* seconds for an answer */

struct request {
    pid_t pid;
    const char *host, *ssh, *popcorn, *isa;
    const char *map[RESTART_MOST_MAPS];
    int maps, level;
    uint32_t flags; /* enum checkpoint_order_flags */
    bool force, detach, send;
};

struct move {
    const struct request *request;
    char *word[5]; /* ssh's part of a command */
    int connection;
    pid_t ssh, errors; /* its process, and the one that passes on what it says */
    struct move_state state;
    struct move_ready ready;
};

enum {
    OPTION_SSH = 256,
    OPTION_POPCORN,
    OPTION_SEND,
    OPTION_DETACH,
    OPTION_DROP,
    OPTION_MAP,
    OPTION_FORCE,
    OPTION_ISA
};

static const struct argp_option options[] = {
    {"detach", OPTION_DETACH, NULL, 0,
     "Leave nothing here: the program ends (exit code 75), and goes on there without "
     "input and output, unless they are files",
     0},
    {"send", OPTION_SEND, NULL, 0, "Send this command along, to a machine of the same ISA that has none", 0},
    {"popcorn", OPTION_POPCORN, "PATH", 0, "The popcorn command there (default: popcorn)", 0},
    {"ssh", OPTION_SSH, "COMMAND", 0,
     "Use this in place of ssh; HOST and a command for its shell follow (default: "
     "POPCORN_SSH in the environment)",
     0},
    {"isa", OPTION_ISA, "ISA", 0, "Go on as this ISA, under qemu-user if it is not that machine's", 0},
    {"map", OPTION_MAP, "OLD=NEW", 0, "What lies below OLD here lies below NEW there", 0},
    {"force", OPTION_FORCE, NULL, 0,
     "Take files that differ there; those that the program writes are cut to the "
     "length they have here",
     0},
    {"drop", OPTION_DROP, "WHAT", 0, "Leave behind what cannot come along, as `popcorn checkpoint` does", 0},
    {"compress", 'z', "LEVEL", 0, "zstd's level, 1 to 19 (default 1); 0: not at all", 0},
    {0},
};

static void take_word(struct request *request, char *argument) {
    if (request->host)
        die("move takes PID and HOST: \"%s\" is too much", argument);
    if (!request->pid) {
        request->pid = read_number(argument, 1, INT32_MAX, "process id");
        return;
    }
    if (!*argument || *argument == '-' || strlen(argument) >= sizeof((struct move_state *)0)->host)
        die("\"%s\" is no host", argument);
    request->host = argument;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct request *request = state->input;
    switch (key) {
    case OPTION_SSH:
        request->ssh = argument;
        return 0;
    case OPTION_POPCORN:
        request->popcorn = argument;
        return 0;
    case OPTION_SEND:
        request->send = true;
        return 0;
    case OPTION_DETACH:
        request->detach = true;
        return 0;
    case OPTION_DROP:
        request->flags |= ask_drop_flags(argument);
        return 0;
    case OPTION_MAP:
        restart_add_map(request->map, &request->maps, argument);
        return 0;
    case OPTION_FORCE:
        request->force = true;
        return 0;
    case OPTION_ISA:
        request->isa = argument;
        return 0;
    case 'z':
        request->level = read_number(argument, 0, 19, "level of compression");
        return 0;
    case ARGP_KEY_ARG:
        take_word(request, argument);
        return 0;
    case ARGP_KEY_END:
        if (!request->host)
            die("move wants PID and [USER@]HOST. Try `popcorn move --help`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {options,
                                   parse,
                                   "PID [USER@]HOST",
                                   "Moves a running popcorn program to another machine, over ssh. There it "
                                   "goes on, on that machine's ISA; here its "
                                   "process stays and relays its input, output, signals and exit code.\v"
                                   "Where the program goes on is decided in one step: until then it is here, "
                                   "and whatever fails leaves it here. If "
                                   "the connection is lost later, the relay makes it anew.",
                                   NULL,
                                   NULL,
                                   NULL};

/*
 * What is offered.
 */

static void check_owner(pid_t pid) {
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%d", pid);
    if (stat(path, &status) < 0 || status.st_uid != geteuid())
        die("process %d is of another user: only its own user can move it", pid);
}

/* Standard input, output and error of the program: which are terminals, and which are one file. */
static void look_at_standard(struct move *move) {
    char path[64];
    struct stat status[MOVE_FLOWS];
    struct move_offer *offer = &move->state.offer;
    for (unsigned i = 0; i < MOVE_FLOWS; i++) {
        struct move_terminal terminal;
        offer->standard[i].same = i;
        snprintf(path, sizeof path, "/proc/%d/fd/%u", move->request->pid, i);
        if (move->request->detach || stat(path, &status[i]) < 0)
            continue;
        offer->standard[i].kind = MOVE_PIPE;
        for (unsigned other = i; other-- > 0;)
            if (offer->standard[other].kind && status[other].st_dev == status[i].st_dev &&
                status[other].st_ino == status[i].st_ino) {
                offer->standard[i] = offer->standard[other];
            }
        int fd = S_ISCHR(status[i].st_mode) ? open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
        if (fd >= 0 && terminal_read(fd, &terminal)) {
            offer->standard[i].kind = MOVE_TERMINAL;
            offer->terminal = terminal;
        }
        if (fd >= 0)
            close(fd);
    }
}

static void make_secret(struct move_state *state) {
    if (getrandom(state->secret, sizeof state->secret, 0) != sizeof state->secret)
        die("no random numbers: %s", strerror(errno));
    move_lock(state->secret, state->offer.lock);
}

static bool send_offer(const struct move *move) {
    char payload[MOVE_FRAME_MOST];
    size_t size = sizeof move->state.offer;
    memcpy(payload, &move->state.offer, size);
    for (int i = 0; i < move->request->maps; i++) {
        size_t length = strlen(move->request->map[i]) + 1;
        if (size + length > sizeof payload)
            die("--map: too many, or too long");
        memcpy(payload + size, move->request->map[i], length);
        size += length;
    }
    return frame_write(move->connection, MOVE_OFFER, payload, size);
}

/*
 * The connection.
 */

/* One word of a shell's command. */
static void quote(char *text, size_t size, const char *word) {
    size_t at = 0;
    text[at++] = '\'';
    for (; *word && at + 6 < size; word++)
        if (*word == '\'') {
            memcpy(text + at, "'\\''", 4);
            at += 4;
        } else
            text[at++] = *word;
    if (*word)
        die("a path is too long");
    text[at++] = '\'';
    text[at] = 0;
}

static void choose_ssh(struct move *move) {
    const char *ssh = move->request->ssh ? move->request->ssh : getenv("POPCORN_SSH");
    static char command[4096];
    if (snprintf(command, sizeof command, SSH_SCRIPT, ssh && *ssh ? ssh : SSH) >= (int)sizeof command)
        die("--ssh: too long");
    move->word[0] = (char *)"/bin/sh";
    move->word[1] = (char *)"-c";
    move->word[2] = command;
    move->word[3] = (char *)"ssh";
    move->word[4] = (char *)move->request->host;
}

/* The command's own file goes first into the connection; a shell there takes it off. */
static void send_self(const struct move *move, int file, off_t size) {
    char bytes[65536];
    for (off_t at = 0; at < size;) {
        ssize_t n = pread(file, bytes, sizeof bytes, at);
        if (n <= 0 || !write_whole(move->connection, bytes, (size_t)n))
            return; /* what happened is seen when there is no answer */
        at += n;
    }
}

static void connect_host(struct move *move) {
    char command[8192], popcorn[4352];
    char *word[] = {move->word[0], move->word[1], move->word[2], move->word[3], move->word[4], NULL};
    struct stat status;
    int file = -1;
    quote(popcorn, sizeof popcorn, move->request->popcorn);
    snprintf(command, sizeof command, "exec %s receive", popcorn);
    if (move->request->send) {
        file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        if (file < 0 || fstat(file, &status) < 0)
            die("this command's own file: %s", strerror(errno));
        snprintf(command, sizeof command,
                 "exec /bin/sh -c 'test \"$(uname -m)\" = %s || { echo \"popcorn: --send: that machine is no "
                 "%s\" >&2; "
                 "exit 1; }; f=$(mktemp) && head -c %lld >\"$f\" && chmod 700 \"$f\" && exec \"$f\" receive "
                 "--remove'",
                 machine_isa(), machine_isa(), (long long)status.st_size);
    }
    int errors = remote_errors(&move->errors);
    move->connection = remote_run(word, command, errors, &move->ssh);
    close(errors);
    if (file >= 0)
        send_self(move, file, status.st_size);
    if (file >= 0)
        close(file);
}

/* What ssh has said comes first. (A master of connections that it has left behind may keep the pipe.) */
static void hear_errors(const struct move *move) {
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, move->errors, 0), .events = POLLIN};
    poll(&end, 1, ERRORS_PATIENCE);
    close(end.fd);
}

/* Why there is nobody at the other end. */
static _Noreturn void say_why(const struct move *move, const char *otherwise) {
    int status = 0;
    close(move->connection);
    waitpid(move->ssh, &status, 0);
    hear_errors(move);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if ((code == NOT_THERE || code == CANNOT_RUN) && !move->request->send)
        die("%s has no %s that can be run: install Popcorn there, say where it is (--popcorn=PATH), or send "
            "it along "
            "(--send); the program goes on here",
            move->request->host, move->request->popcorn);
    die("%s; the program goes on here", otherwise);
}

static void hear_hello(struct move *move) {
    static uint8_t payload[MOVE_FRAME_MOST];
    struct move_frame frame;
    struct move_hello hello;
    if (!read_whole(move->connection, &frame, sizeof frame))
        say_why(move, "there is no connection");
    if (frame.kind != MOVE_HELLO || frame.size != sizeof hello ||
        !read_whole(move->connection, payload, frame.size))
        die("what answers on %s is not popcorn: does its shell print something when it starts? The program "
            "goes on "
            "here",
            move->request->host);
    memcpy(&hello, payload, sizeof hello);
    if (memcmp(hello.magic, MOVE_MAGIC, sizeof hello.magic) || hello.version != MOVE_VERSION)
        die("popcorn on %s is of another version; the program goes on here", move->request->host);
}

static bool hear_ready(struct move *move) {
    static uint8_t payload[MOVE_FRAME_MOST];
    struct move_frame frame;
    if (!frame_read(move->connection, &frame, payload) || frame.kind != MOVE_READY ||
        frame.size != sizeof move->ready)
        return false;
    memcpy(&move->ready, payload, sizeof move->ready);
    move->ready.popcorn[sizeof move->ready.popcorn - 1] = 0;
    return true;
}

/* What is run there to be connected again. */
static void note_attach(struct move *move, const char *path) {
    char popcorn[4224], name[MOVE_ID];
    quote(popcorn, sizeof popcorn, path);
    move_name(move->state.offer.lock, name);
    snprintf(move->state.attach, sizeof move->state.attach, "exec %s receive --attach=%s", popcorn, name);
}

/*
 * The decision.
 */

static char *const *ssh_words(const struct move *move) {
    static char *word[6];
    for (int i = 0; i < 5; i++)
        word[i] = move->word[i];
    return word;
}

/* Says so on a connection. True if it was heard, or nobody is there to hear it. */
static bool abort_by(int connection) {
    static uint8_t payload[MOVE_FRAME_MOST];
    struct move_frame frame;
    struct timeval patience = {.tv_sec = ABORT_PATIENCE};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!frame_write(connection, MOVE_ABORT, NULL, 0))
        return false;
    while (frame_read(connection, &frame, payload))
        if (frame.kind == MOVE_GONE)
            return true;
    return false;
}

/*
 * It goes on here: whoever waits for it there need not. If that cannot be said, one waits there for ever, and
 * is in nobody's way but for its memory.
 */
static void abort_there(struct move *move) {
    pid_t ssh;
    if (abort_by(move->connection))
        return;
    for (int i = 0; i < ABORT_ATTEMPTS; i++) {
        int connection = remote_run(ssh_words(move), move->state.attach, STDERR_FILENO, &ssh);
        bool told = abort_by(connection);
        close(connection);
        waitpid(ssh, NULL, 0);
        if (told)
            return;
    }
}

static _Noreturn void go_on_here(struct move *move, const struct asked *asked, const char *why) {
    char word = CHECKPOINT_WORD_GO_ON;
    send(asked->program, &word, 1, MSG_NOSIGNAL);
    abort_there(move);
    say_why(move, why);
}

static void send_word(const struct asked *asked, const int file[CHECKPOINT_WORD_FILES]) {
    char word = CHECKPOINT_WORD_RELAY;
    ask_send(asked->program, &word, 1, file, CHECKPOINT_WORD_FILES);
}

/* The state and its words, as the relay reads them. */
static bool write_state(struct move *move, int control) {
    extern char **environ;
    size_t size = 0, room = 0;
    char *words = NULL, *const *word = ssh_words(move);
    move->state.arguments = 5;
    for (move->state.environment = 0; environ[move->state.environment]; move->state.environment++)
        ;
    for (uint32_t i = 0; i < 5 + move->state.environment; i++) {
        const char *text = i < 5 ? word[i] : environ[i - 5];
        size_t length = strlen(text) + 1;
        if (room - size < length) {
            room += length + 65536;
            words = realloc(words, room);
            if (!words)
                die("out of memory");
        }
        memcpy(words + size, text, length);
        size += length;
    }
    move->state.size = (uint32_t)size;
    bool written =
        write_whole(control, &move->state, sizeof move->state) && write_whole(control, words, size);
    free(words);
    return written;
}

/* The program's process becomes the relay. From then on the program cannot go on here, and nothing is left to
 * do. */
static void hand_over(struct move *move, const struct asked *asked) {
    int pair[2], self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct checkpoint_answer answer;
    char word;
    if (self < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        go_on_here(move, asked, strerror(errno));
    send_word(asked, (int[]){self, pair[1], move->connection});
    close(pair[1]);
    ssize_t n = recv(asked->program, &answer, sizeof answer, 0);
    if (n == sizeof answer) {
        abort_there(move);
        die("the program's process cannot become the relay: %s; the program goes on here",
            strerror(answer.error));
    }
    if (!write_state(move, pair[0]) || !read_whole(pair[0], &word, 1)) {
        abort_there(move);
        die("process %d was killed while it was moved", move->request->pid);
    }
    fprintf(stderr, "popcorn: process %d goes on on %s, as process %d there\n", move->request->pid,
            move->request->host, move->ready.pid);
}

/* The program ends here, and the command itself gives the word to go on there. */
static void detach(struct move *move, const struct asked *asked) {
    char word = CHECKPOINT_WORD_END;
    int process = (int)syscall(SYS_pidfd_open, asked->pid, 0);
    if (process < 0)
        go_on_here(move, asked, strerror(errno));
    if (move->state.others)
        tree_end(word);
    else
        send(asked->program, &word, 1, MSG_NOSIGNAL);
    struct pollfd end = {.fd = process, .events = POLLIN};
    while (poll(&end, 1, -1) < 1)
        ;
    pid_t there = relay_detached(&move->state, ssh_words(move), move->connection);
    fprintf(stderr, "popcorn: process %d goes on on %s, as process %d there\n", move->request->pid,
            move->request->host, there);
}

/* One process goes while it runs; a tree stands still until all of it has gone. */
static struct asked write_program(struct move *move) {
    const struct request *request = move->request;
    uint32_t flags = request->flags | CHECKPOINT_STOP | (request->detach ? 0 : CHECKPOINT_RELAY);
    struct tree tree = {0};
    int cannot = flags & CHECKPOINT_DROP_CHILDREN ? 0 : tree_find(&tree, request->pid);
    if (cannot)
        ask_cannot(cannot);
    if (tree.count > 1) {
        int32_t other[CHECKPOINT_MEMBERS];
        tree_write(&tree, flags, NULL, move->connection, request->level);
        move->state.others = tree_others(other);
        memcpy(move->state.other, other, move->state.others * sizeof *other);
        return *tree_first();
    }
    struct asked asked = ask_begin(request->pid);
    ask_require(&asked);
    ask_write(&asked, flags | CHECKPOINT_LIVE, move->connection, request->level);
    if (!ask_finish(&asked))
        go_on_here(move, &asked, "the connection is lost");
    return asked;
}

int command_move(int argc, char **argv) {
    static struct request request = {.popcorn = "popcorn", .level = 1};
    static struct move move;
    argp_parse(&parser, argc, argv, 0, NULL, &request);
    move.request = &request;
    signal(SIGPIPE, SIG_IGN);
    check_owner(request.pid);
    ask_check_program(request.pid);
    move.state.offer.flags = (request.force ? MOVE_FORCE : 0U) | (request.detach ? MOVE_DETACH : 0U);
    snprintf(move.state.host, sizeof move.state.host, "%s", request.host);
    snprintf(move.state.offer.isa, sizeof move.state.offer.isa, "%s", request.isa ? request.isa : "");
    look_at_standard(&move);
    make_secret(&move.state);
    choose_ssh(&move);
    connect_host(&move);
    hear_hello(&move);
    if (!send_offer(&move))
        say_why(&move, "there is no connection");
    note_attach(&move, request.popcorn);
    struct asked asked = write_program(&move);
    if (!hear_ready(&move))
        go_on_here(&move, &asked, "the other machine does not take it");
    note_attach(&move, move.ready.popcorn);
    if (request.detach)
        detach(&move, &asked);
    else
        hand_over(&move, &asked);
    return 0;
}
