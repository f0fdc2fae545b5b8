/* SPDX-License-Identifier: MIT */
/*
 * popcorn relay: what a program's process becomes when the program has moved to another machine. It keeps its
 * id, its parent and its terminal; what it reads goes there, what comes from there it writes, signals reach
 * the program, and it ends as the program does. If the connection is lost, it is made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "move/terminal.h"
#include "move/wire.h"
#include "popcorn.h"

#define EXIT_LOST 70
#define AGAIN_MOST 30 /* seconds between two attempts to connect */
#define WORDS_MOST (8UL << 20)

struct relay {
    const struct move_state *state;
    char *const *word;
    struct wire wire;
    pid_t ssh;                  /* of a connection made here, or 0 */
    bool started;               /* this connection: the program goes on and flows may go */
    bool detached;              /* nobody's files are relayed */
    bool lost;                  /* and that has been said */
    int terminal;               /* descriptor of the terminal, or -1 */
    struct move_terminal modes; /* as they were */
    bool raw;
    uint64_t waiting; /* signals that come when there is no connection */
    int signals;      /* signalfd */
    int again;        /* seconds until the next attempt */
    time_t next;
    pid_t there; /* the program's id there */
};

/*
 * The terminal.
 */

static void take_terminal(struct relay *relay) {
    if (relay->terminal < 0 || relay->raw || tcgetpgrp(relay->terminal) != getpgrp())
        return;
    terminal_set_raw(relay->terminal);
    relay->raw = true;
}

static void give_terminal(struct relay *relay, const struct move_terminal *modes) {
    if (relay->raw)
        terminal_set(relay->terminal, modes);
    relay->raw = false;
}

static void tell_window(struct relay *relay) {
    struct move_window window;
    if (relay->terminal >= 0 && terminal_window(relay->terminal, &window))
        wire_put(&relay->wire, MOVE_WINDOW, &window, sizeof window);
}

/*
 * The end.
 */

static void hex(const uint8_t *bytes, size_t size, char *text) {
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* How to go on without this process: the secret is the program's leave to do so. */
static void say_how(const struct relay *relay, const char *what) {
    char secret[2 * MOVE_SECRET + 1];
    hex(relay->state->secret, MOVE_SECRET, secret);
    fprintf(stderr, "popcorn: %s; on %s, `popcorn receive --commit=%s` lets the program go on by itself\n",
            what, relay->state->host, secret);
}

/* As the program did: so whoever waits for this process sees the same. */
static _Noreturn void end_as(int status) {
    struct rlimit none = {0, 0};
    sigset_t set;
    if (WIFEXITED(status))
        exit(WEXITSTATUS(status));
    setrlimit(RLIMIT_CORE, &none);
    signal(WTERMSIG(status), SIG_DFL);
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    raise(WTERMSIG(status));
    exit(128 + WTERMSIG(status));
}

static void finish_flows(struct relay *relay) {
    struct pollfd ready[WIRE_POLLS];
    while (!wire_drained(&relay->wire)) {
        wire_poll(&relay->wire, ready, false);
        ready[0].fd = ready[WIRE_POLLS - 1].fd = -1;
        if (poll(ready, WIRE_POLLS, -1) > 0)
            wire_work(&relay->wire, ready, false);
    }
}

static _Noreturn void finish(struct relay *relay, const struct move_exit *end) {
    finish_flows(relay);
    give_terminal(relay, end->has_terminal ? &end->terminal : &relay->modes);
    wire_put(&relay->wire, MOVE_BYE, NULL, 0);
    struct pollfd none[WIRE_POLLS] = {{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}};
    wire_work(&relay->wire, none, false);
    end_as(end->status);
}

static _Noreturn void fail(struct relay *relay, const char *what) {
    give_terminal(relay, &relay->modes);
    say_how(relay, what);
    exit(EXIT_LOST);
}

/*
 * Signals.
 */

static void stop_here(struct relay *relay) {
    give_terminal(relay, &relay->modes);
    raise(SIGSTOP);
    take_terminal(relay);
}

static void take_signal(struct relay *relay, int sig) {
    switch (sig) {
    case SIGCHLD:
    case SIGPIPE:
    case SIGTTIN:
    case SIGTTOU:
        return;
    case SIGWINCH:
        tell_window(relay);
        return;
    case SIGCONT:
        take_terminal(relay);
        break;
    case SIGHUP:
    case SIGINT:
    case SIGQUIT:
    case SIGTERM:
        if (relay->lost)
            fail(relay, "there is no connection");
    }
    if (relay->started)
        wire_put_number(&relay->wire, MOVE_SIGNAL, (uint32_t)sig);
    else
        relay->waiting |= 1ULL << (sig - 1);
}

static void take_signals(struct relay *relay) {
    struct signalfd_siginfo info;
    while (read(relay->signals, &info, sizeof info) == sizeof info)
        take_signal(relay, (int)info.ssi_signo);
    while (relay->ssh && waitpid(relay->ssh, NULL, WNOHANG) == relay->ssh)
        relay->ssh = 0;
}

/*
 * The connection.
 */

static void commit(struct relay *relay) {
    struct move_commit commit = {.flags = relay->detached ? MOVE_DETACH : 0};
    memcpy(commit.secret, relay->state->secret, sizeof commit.secret);
    wire_received(&relay->wire, commit.received);
    wire_put(&relay->wire, MOVE_COMMIT, &commit, sizeof commit);
}

static void connect_again(struct relay *relay) {
    if (relay->ssh) {
        kill(relay->ssh, SIGTERM);
        waitpid(relay->ssh, NULL, 0);
    }
    int connection = remote_run(relay->word, relay->state->attach, STDERR_FILENO, &relay->ssh);
    wire_connect(&relay->wire, connection, connection);
    commit(relay);
}

static void lose(struct relay *relay) {
    bool before = relay->started;
    relay->started = false;
    give_terminal(relay, &relay->modes);
    relay->again = before || !relay->again         ? 1
                   : 2 * relay->again < AGAIN_MOST ? 2 * relay->again
                                                   : AGAIN_MOST;
    relay->next = time(NULL) + (relay->lost || relay->again > 1 ? relay->again : 0);
    if (relay->again > 1 && !relay->lost) {
        relay->lost = true;
        say_how(relay, "the connection is lost; it is tried again");
    }
}

static void begin(struct relay *relay, const struct move_started *started) {
    if (!wire_resume(&relay->wire, started->received))
        fail(relay, "the other side is in disorder");
    if (relay->lost)
        fprintf(stderr, "popcorn: connected again\n");
    relay->started = true;
    relay->lost = false;
    relay->again = 0;
    relay->there = started->pid;
    take_terminal(relay);
    tell_window(relay);
    for (int sig = 1; sig <= 64; sig++)
        if (relay->waiting >> (sig - 1) & 1)
            wire_put_number(&relay->wire, MOVE_SIGNAL, (uint32_t)sig);
    relay->waiting = 0;
}

/* False: the frame makes no sense. */
static bool take_frame(struct relay *relay, const struct move_frame *frame) {
    const void *payload = frame + 1;
    struct move_started started;
    struct move_exit end;
    switch (frame->kind) {
    case MOVE_STARTED:
        if (frame->size != sizeof started || relay->started)
            return false;
        memcpy(&started, payload, sizeof started);
        begin(relay, &started);
        return true;
    case MOVE_STOPPED:
        if (relay->started)
            stop_here(relay);
        return relay->started;
    case MOVE_EXIT:
        if (frame->size != sizeof end || !relay->started)
            return false;
        memcpy(&end, payload, sizeof end);
        if (!WIFEXITED(end.status) && !WIFSIGNALED(end.status))
            return false;
        finish(relay, &end);
    case MOVE_GONE:
        fail(relay, "the program is not there any more");
    default:
        return relay->started && wire_take(&relay->wire, frame);
    }
}

static void take_frames(struct relay *relay) {
    const struct move_frame *frame;
    while ((frame = wire_next(&relay->wire)))
        if (!take_frame(relay, frame)) {
            wire_connect(&relay->wire, -1, -1);
            return;
        }
}

static void work(struct relay *relay) {
    struct pollfd ready[WIRE_POLLS + 1];
    bool had = relay->wire.fd >= 0;
    wire_poll(&relay->wire, ready, relay->started);
    if (relay->state->offer.standard[0].kind == MOVE_TERMINAL && relay->terminal >= 0 &&
        tcgetpgrp(relay->terminal) != getpgrp())
        ready[1].fd = -1; /* who reads a terminal in the background is stopped */
    ready[WIRE_POLLS] = (struct pollfd){.fd = relay->signals, .events = POLLIN};
    time_t now = time(NULL);
    if (poll(ready, WIRE_POLLS + 1, had ? 10000 : relay->next > now ? 1000 : 0) > 0) {
        if (ready[WIRE_POLLS].revents)
            take_signals(relay);
        wire_work(&relay->wire, ready, relay->started);
        take_frames(relay);
        wire_work(&relay->wire,
                  (struct pollfd[WIRE_POLLS]){{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}},
                  relay->started);
    }
    if (had && relay->wire.fd < 0)
        lose(relay);
    if (relay->wire.fd < 0 && time(NULL) >= relay->next)
        connect_again(relay);
}

static int take_all_signals(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die("no descriptor for signals: %s", strerror(errno));
    return fd;
}

void relay_run(const struct move_state *state, char *const *word, int connection) {
    static struct relay relay = {.terminal = -1, .wire = {.fd = -1}};
    relay.state = state;
    relay.word = word;
    relay.signals = take_all_signals();
    for (int i = 0; i < MOVE_FLOWS; i++) {
        bool used = state->offer.standard[i].kind != MOVE_NOTHING;
        bool again = i == 2 && state->offer.standard[2].same == 1;
        wire_flow(&relay.wire, (unsigned)i, i == 0, used && !again ? i : -1);
        if (state->offer.standard[i].kind == MOVE_TERMINAL && relay.terminal < 0)
            relay.terminal = i;
    }
    if (relay.terminal >= 0) {
        relay.terminal = fcntl(relay.terminal, F_DUPFD_CLOEXEC, 3);
        terminal_read(relay.terminal, &relay.modes);
    }
    wire_connect(&relay.wire, connection, connection);
    commit(&relay);
    for (;;)
        work(&relay);
}

pid_t relay_detached(const struct move_state *state, char *const *word, int connection) {
    static struct relay relay = {.terminal = -1, .detached = true, .wire = {.fd = -1}};
    relay.state = state;
    relay.word = word;
    relay.signals = take_all_signals();
    for (unsigned i = 0; i < MOVE_FLOWS; i++)
        wire_flow(&relay.wire, i, i == 0, -1);
    wire_connect(&relay.wire, connection, connection);
    commit(&relay);
    while (!relay.started)
        work(&relay);
    return relay.there;
}

/*
 * popcorn relay CONTROL CONNECTION: the process that a program has become.
 */

/* The program's timers and open files are none of this process's. */
static void forget_program(int control, int connection) {
    static const int timers[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    struct itimerval none = {0};
    struct timespec now = {0};
    sigset_t rung;
    sigemptyset(&rung);
    sigaddset(&rung, SIGALRM);
    sigaddset(&rung, SIGVTALRM);
    sigaddset(&rung, SIGPROF);
    for (int i = 0; i < 3; i++)
        setitimer(timers[i], &none, NULL);
    while (sigtimedwait(&rung, NULL, &now) > 0)
        ;
    int low = control < connection ? control : connection, high = control < connection ? connection : control;
    if (low > 3)
        close_range(3, (unsigned)low - 1, 0);
    if (high > low + 1)
        close_range((unsigned)low + 1, (unsigned)high - 1, 0);
    close_range((unsigned)high + 1, ~0U, 0);
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
            die("standard input, output and error are missing: %s", strerror(errno));
}

/* The words of the state, one behind the other; NULL if they are not what they should be. */
static char **split_words(char *words, const struct move_state *state) {
    uint32_t n = state->arguments + state->environment, at = 0;
    char **word = calloc((size_t)n + 2, sizeof *word);
    for (uint32_t i = 0; word && i < n; i++) {
        const char *end = at < state->size ? memchr(words + at, 0, state->size - at) : NULL;
        if (!end)
            return NULL;
        word[i + (i >= state->arguments)] = words + at; /* a NULL between the two */
        at = (uint32_t)(end - words) + 1;
    }
    return word;
}

static int read_descriptor(const char *text) {
    char *end;
    long fd = strtol(text, &end, 10);
    if (*end || end == text || fd < 3 || fcntl((int)fd, F_GETFD) < 0)
        die("relay is what a program becomes that `popcorn move` has moved: do not run it by hand");
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    return (int)fd;
}

/*
 * The program's descendants stand still; here they go on never more. None of them is gone, and its id
 * another's, before its parent is: children come behind their parents.
 */
static void end_others(const struct move_state *state) {
    for (uint32_t i = state->others; i-- > 0;) {
        int process = state->other[i] > 1 ? (int)syscall(SYS_pidfd_open, state->other[i], 0) : -1;
        if (process < 0)
            continue;
        struct pollfd end = {.fd = process, .events = POLLIN};
        if (syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) == 0)
            while (poll(&end, 1, -1) < 1)
                ;
        close(process);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

int command_relay(int argc, char **argv) {
    static struct move_state state;
    char *words = NULL, **word = NULL;
    if (argc != 3)
        die("relay is what a program becomes that `popcorn move` has moved: do not run it by hand");
    int control = read_descriptor(argv[1]), connection = read_descriptor(argv[2]);
    forget_program(control, connection);
    prctl(PR_SET_NAME, "popcorn-relay");
    if (read_whole(control, &state, sizeof state) && state.size <= WORDS_MOST &&
        state.others <= MOVE_OTHERS && (words = malloc(state.size)) && read_whole(control, words, state.size))
        word = split_words(words, &state);
    if (!word)
        die("the relay was told nothing that makes sense");
    clearenv();
    for (char **variable = word + state.arguments + 1; *variable; variable++)
        putenv(*variable);
    end_others(&state);
    write_whole(control, "1", 1);
    close(control);
    relay_run(&state, word, connection);
}
