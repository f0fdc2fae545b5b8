/* SPDX-License-Identifier: MIT */
/*
 * popcorn receive: the other end of a move. It takes a checkpoint from standard input, makes the program of
 * it, and keeps it waiting until its source gives up its own copy for good and says so. Then the program goes
 * on; its standard input, output and error, its signals and its end go to and fro by the connection, and if
 * that is lost, by the next one, which reaches this process at a unix address that has the move's name.
 * Whoever knows the secret is the source.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "move/receiver.h"
#include "move/terminal.h"
#include "popcorn.h"
#include "popcorn/sha256.h"
#include "program.h"
#include "tree_restart.h"

#define LINGER 86400 /* seconds that an ended program's exit code is kept for a relay that is not there */

/*
 * The start.
 */

static void take_maps(struct receiver *receiver, char *words, size_t size) {
    words[size] = 0;
    for (size_t at = 0; at < size; at += strlen(words + at) + 1)
        restart_add_map(receiver->restart.map, &receiver->restart.maps, words + at);
}

static void take_offer(struct receiver *receiver) {
    static char payload[MOVE_FRAME_MOST + 1];
    struct move_hello hello = {.magic = MOVE_MAGIC, .version = MOVE_VERSION};
    struct move_frame frame;
    struct move_offer *offer = &receiver->offer;
    snprintf(hello.isa, sizeof hello.isa, "%s", machine_isa());
    if (!frame_write(STDOUT_FILENO, MOVE_HELLO, &hello, sizeof hello) ||
        !frame_read(STDIN_FILENO, &frame, payload))
        exit(1); /* whoever asked has thought better of it */
    if (frame.kind != MOVE_OFFER || frame.size < sizeof *offer)
        die("receive is what `popcorn move` runs on the other machine: do not run it by hand");
    memcpy(offer, payload, sizeof *offer);
    offer->isa[sizeof offer->isa - 1] = 0;
    for (uint32_t i = 0; i < MOVE_FLOWS; i++)
        if (offer->standard[i].kind > MOVE_TERMINAL || offer->standard[i].same > i ||
            (offer->standard[i].same < i &&
             offer->standard[i].kind != offer->standard[offer->standard[i].same].kind))
            die("the offer makes no sense");
    receiver->detached = offer->flags & MOVE_DETACH;
    if (receiver->detached) /* what it says before it goes on is for whoever moves it */
        offer->standard[2] = (typeof(offer->standard[2])){MOVE_PIPE, 2};
    receiver->restart = (struct restart){.path = "what is moved here",
                                         .isa = offer->isa[0] ? offer->isa : machine_isa(),
                                         .force = offer->flags & MOVE_FORCE};
    take_maps(receiver, payload + sizeof *offer, frame.size - sizeof *offer);
}

/*
 * The program.
 */

static _Noreturn void become(struct receiver *receiver, const struct restart_tree *tree) {
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    if (receiver->terminal >= 0) {
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(receiver->standard[receiver->terminal], getpid());
        signal(SIGTTOU, SIG_DFL);
    }
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < MOVE_FLOWS; i++)
        if (dup2(receiver->standard[i], i) < 0)
            die("no descriptor: %s", strerror(errno));
    tree_become(&receiver->restart, tree);
}

/* The program's last words, if it cannot go on here, are whoever's who moves it. */
static void pass_last_words(const struct receiver *receiver) {
    char text[4096];
    for (int i = 1; i < MOVE_FLOWS; i++) {
        const struct flow *flow = &receiver->wire.flow[i];
        ssize_t n = flow->fd >= 0 ? read(flow->fd, text, sizeof text) : 0;
        if (n > 0)
            write_whole(STDERR_FILENO, text, (size_t)n);
    }
}

/* Until it is complete, and waits. */
static void start_program(struct receiver *receiver, const struct restart_tree *tree) {
    int pair[2];
    char word;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("no socket: %s", strerror(errno));
    receiver->restart.wait = pair[0];
    receiver->child = fork();
    if (receiver->child < 0)
        die("cannot fork: %s", strerror(errno));
    if (receiver->child == 0)
        become(receiver, tree);
    close(pair[0]);
    tree_close(tree);
    for (int i = 0; i < MOVE_FLOWS; i++)
        if ((int)receiver->offer.standard[i].same == i && i != receiver->terminal)
            close(receiver->standard[i]);
    receiver->leave = pair[1];
    if (read(receiver->leave, &word, 1) == 1)
        return;
    pass_last_words(receiver);
    exit(1);
}

/* The terminal belongs to this process's session, and so the program's group, in it, can be stopped and go
 * on. */
static void take_session(struct receiver *receiver) {
    if (receiver->terminal < 0)
        return;
    if (getsid(0) != getpid() && setsid() < 0) {
        pid_t pid = fork(); /* it leads a group: only another process can lead a session */
        if (pid < 0)
            die("cannot fork: %s", strerror(errno));
        if (pid > 0)
            _exit(0);
        setsid();
    }
    ioctl(receiver->standard[receiver->terminal], TIOCSCTTY, 0);
}

/*
 * The connection.
 */

static void start(struct receiver *receiver) {
    char leave = CHECKPOINT_LEAVE;
    if (receiver->committed)
        return;
    receiver->committed = true;
    send(receiver->leave, &leave, 1, MSG_NOSIGNAL);
    close(receiver->leave);
}

static bool is_secret(const struct receiver *receiver, const uint8_t secret[MOVE_SECRET]) {
    uint8_t lock[SHA256_BYTES], differ = 0;
    move_lock(secret, lock);
    for (size_t i = 0; i < sizeof lock; i++)
        differ |= lock[i] ^ receiver->offer.lock[i];
    return differ == 0;
}

static void leave_alone(struct receiver *receiver) {
    receiver->detached = true;
    for (int i = 0; i < MOVE_FLOWS; i++) {
        struct flow *flow = &receiver->wire.flow[i];
        flow->begin = flow->sent = flow->end;
        flow->discards = flow->leaves;
        flow->shut |= !flow->leaves;
    }
}

/* The source: its copy is gone for good. */
static bool take_commit(struct receiver *receiver, struct wire *wire, const struct move_frame *frame) {
    struct move_commit commit;
    struct move_started started = {.pid = receiver->child};
    if (frame->size != sizeof commit)
        return false;
    memcpy(&commit, frame + 1, sizeof commit);
    if (!is_secret(receiver, commit.secret))
        return false;
    if (wire != &receiver->wire) { /* takes the place of the connection before */
        int fd = wire->fd;
        size_t more = wire->in_used - wire->in_taken;
        wire->fd = -1;
        wire_connect(&receiver->wire, fd, fd);
        memcpy(receiver->wire.in, wire->in + wire->in_taken, more);
        receiver->wire.in_used = more;
        receiver->told = false;
    }
    if (commit.flags & MOVE_DETACH || receiver->detached)
        leave_alone(receiver);
    start(receiver);
    wire_received(&receiver->wire, started.received);
    wire_put(&receiver->wire, MOVE_STARTED, &started, sizeof started);
    receiver->attached = receiver->detached || wire_resume(&receiver->wire, commit.received);
    return receiver->attached;
}

/* The source goes on where it is. */
static _Noreturn void give_up(const struct receiver *receiver, const struct wire *wire) {
    kill(receiver->child, SIGKILL);
    waitpid(receiver->child, NULL, 0);
    fcntl(wire->to, F_SETFL, O_RDWR);
    frame_write(wire->to, MOVE_GONE, NULL, 0);
    exit(1);
}

static bool take_signal(const struct receiver *receiver, const struct move_frame *frame) {
    uint32_t sig;
    if (frame->size != sizeof sig)
        return false;
    memcpy(&sig, frame + 1, sizeof sig);
    if (sig < 1 || sig > (uint32_t)SIGRTMAX)
        return false;
    if (!receiver->ended)
        kill(receiver->child, (int)sig);
    return true;
}

static bool take_window(const struct receiver *receiver, const struct move_frame *frame) {
    struct move_window window;
    if (frame->size != sizeof window)
        return false;
    memcpy(&window, frame + 1, sizeof window);
    if (receiver->terminal >= 0)
        terminal_set_window(receiver->standard[receiver->terminal], &window);
    return true;
}

/* False: the frame makes no sense, or nobody may say that. */
static bool take_frame(struct receiver *receiver, struct wire *wire, const struct move_frame *frame) {
    if (frame->kind == MOVE_COMMIT)
        return take_commit(receiver, wire, frame);
    if (frame->kind == MOVE_ABORT && !receiver->committed)
        give_up(receiver, wire);
    if (wire != &receiver->wire || !receiver->attached)
        return false;
    switch (frame->kind) {
    case MOVE_SIGNAL:
        return take_signal(receiver, frame);
    case MOVE_WINDOW:
        return take_window(receiver, frame);
    case MOVE_BYE:
        exit(0);
    default:
        return wire_take(wire, frame);
    }
}

static void take_frames(struct receiver *receiver, struct wire *wire) {
    const struct move_frame *frame;
    while (wire->fd >= 0 && (frame = wire_next(wire)))
        if (!take_frame(receiver, wire, frame)) {
            wire_connect(wire, -1, -1);
            return;
        }
}

static void take_caller(struct receiver *receiver) {
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    int fd = accept4(receiver->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    for (int i = 0; i < MOST_CALLERS; i++)
        if (receiver->caller[i].fd < 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
            peer.uid == geteuid()) {
            wire_connect(&receiver->caller[i], fd, fd);
            return;
        }
    close(fd);
}

/*
 * The program's end.
 */

static void drain(struct receiver *receiver) {
    for (int i = 1; i < MOVE_FLOWS; i++) {
        struct flow *flow = &receiver->wire.flow[i];
        struct pollfd ready = {.fd = flow->fd, .events = POLLIN};
        if (flow->fd >= 0 && !flow->ended && poll(&ready, 1, 0) <= 0)
            flow->ended = true; /* whoever still has the other end is no program that anybody waits for */
    }
}

static void take_status(struct receiver *receiver) {
    int status;
    struct signalfd_siginfo info;
    while (read(receiver->signals, &info, sizeof info) == sizeof info)
        ;
    while (waitpid(receiver->child, &status, WNOHANG | WUNTRACED) == receiver->child) {
        if (WIFSTOPPED(status)) {
            if (receiver->attached)
                wire_put(&receiver->wire, MOVE_STOPPED, NULL, 0);
            continue;
        }
        receiver->ended = true;
        receiver->end.status = status;
        return;
    }
}

/* When all that it wrote has been sent. */
static void tell_end(struct receiver *receiver) {
    struct move_exit *end = &receiver->end;
    if (!receiver->ended || receiver->told)
        return;
    if (receiver->detached || !receiver->committed)
        exit(0);
    drain(receiver);
    for (int i = 1; i < MOVE_FLOWS; i++)
        if (!receiver->wire.flow[i].ended || !receiver->wire.flow[i].told)
            return;
    if (receiver->terminal >= 0)
        end->has_terminal = terminal_read(receiver->standard[receiver->terminal], &end->terminal);
    wire_put(&receiver->wire, MOVE_EXIT, end, sizeof *end);
    receiver->told = true;
}

static void work(struct receiver *receiver) {
    struct pollfd ready[WIRE_POLLS + 2 + MOST_CALLERS];
    const int listener = WIRE_POLLS, signals = WIRE_POLLS + 1, callers = WIRE_POLLS + 2;
    struct pollfd none[WIRE_POLLS] = {{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}};
    bool flowing = receiver->attached || (receiver->detached && receiver->committed);
    wire_poll(&receiver->wire, ready, flowing);
    ready[listener] = (struct pollfd){.fd = receiver->listener, .events = POLLIN};
    ready[signals] = (struct pollfd){.fd = receiver->signals, .events = POLLIN};
    for (int i = 0; i < MOST_CALLERS; i++)
        ready[callers + i] = (struct pollfd){.fd = receiver->caller[i].fd, .events = POLLIN};
    int n = poll(ready, (nfds_t)(callers + MOST_CALLERS), receiver->ended ? LINGER * 1000 : -1);
    if (n == 0)
        exit(0);
    if (n < 0)
        return;
    if (ready[signals].revents)
        take_status(receiver);
    for (int i = 0; i < MOST_CALLERS; i++)
        if (ready[callers + i].revents) {
            none[0] = ready[callers + i];
            wire_work(&receiver->caller[i], none, false);
            take_frames(receiver, &receiver->caller[i]);
        }
    none[0].fd = -1;
    if (ready[listener].revents)
        take_caller(receiver);
    wire_work(&receiver->wire, ready, flowing);
    take_frames(receiver, &receiver->wire);
    receiver->attached &= receiver->wire.fd >= 0;
    for (int i = 0; i < 2; i++) { /* first that there are no more bytes, then how it ended */
        tell_end(receiver);
        wire_work(&receiver->wire, none, receiver->attached);
    }
}

static void tell_ready(struct receiver *receiver) {
    struct move_ready ready = {.pid = receiver->child};
    ssize_t n = readlink("/proc/self/exe", ready.popcorn, sizeof ready.popcorn - 1);
    if (n <= 0)
        die("/proc is missing");
    wire_put(&receiver->wire, MOVE_READY, &ready, sizeof ready);
}

static char *own_path;

static void remove_self(void) {
    if (own_path)
        unlink(own_path);
}

static _Noreturn void receive(bool remove) {
    static struct receiver receiver = {.terminal = -1, .wire = {.fd = -1}};
    static struct restart_tree tree;
    struct checkpoint_input in = {.followed = true, .quiet = true};
    sigset_t child;
    if (remove && (own_path = realpath("/proc/self/exe", NULL)))
        atexit(remove_self);
    take_offer(&receiver);
    checkpoint_open(&in, STDIN_FILENO, receiver.restart.path);
    tree_read(&receiver.restart, &in, true, &tree);
    checkpoint_close(&in);
    tree_find_programs(&receiver.restart, &tree);
    receiver_make_standard(&receiver);
    take_session(&receiver);
    receiver_make_flows(&receiver);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    receiver.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    start_program(&receiver, &tree);
    receiver.listener = move_listen(receiver.offer.lock, MOST_CALLERS);
    for (int i = 0; i < MOST_CALLERS; i++)
        receiver.caller[i].fd = -1;
    wire_connect(&receiver.wire, receiver_duplicate(STDIN_FILENO), receiver_duplicate(STDOUT_FILENO));
    tell_ready(&receiver);
    for (;;)
        work(&receiver);
}

static const struct argp_option options[] = {
    {"attach", 'a', "MOVE", 0, "Connect standard input and output with the move of that name", 0},
    {"commit", 'c', "SECRET", 0, "Let the program of a move go on by itself, whose relay cannot reach it", 0},
    {"remove", 'r', NULL, 0, "Remove this command's own file in the end: it was sent along", 0},
    {0},
};

struct request {
    const char *attach, *commit;
    bool remove;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct request *request = state->input;
    switch (key) {
    case 'a':
        request->attach = argument;
        return 0;
    case 'c':
        request->commit = argument;
        return 0;
    case 'r':
        request->remove = true;
        return 0;
    case ARGP_KEY_ARG:
        die("receive takes no arguments: \"%s\" is too much", argument);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options,
    parse,
    "",
    "The other end of `popcorn move`, which runs it on the machine that a program goes "
    "to.",
    NULL,
    NULL,
    NULL};

int command_receive(int argc, char **argv) {
    struct request request = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &request);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (request.attach)
        move_attach(request.attach);
    if (request.commit)
        move_release(request.commit);
    receive(request.remove);
}
