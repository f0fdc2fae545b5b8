/* SPDX-License-Identifier: MIT */
/* Checkpoints that the command orders. */
#include <stdatomic.h>

#include "base/descriptors.h"
#include "checkpoint/job.h"
#include "checkpoint/tree.h"
#include "signal/signals.h"

enum { FAMILY_UNIX = 1, TYPE_SEQPACKET = 5, SOCKET_LEVEL = 1, SOCKET_RIGHTS = 1, OPTION_PEER = 17 };

static void answer(struct job *job, enum checkpoint_answer_kind kind, long error, const char *text) {
    struct checkpoint_answer a = {.kind = kind, .error = (int32_t)-error, .done = job->stream.offset};
    struct text t = text_begin(a.text, sizeof a.text);
    text_string(&t, text);
    KERNEL(NR_sendto, job->socket, &a, sizeof a, 0x4000 /* MSG_NOSIGNAL */);
}

/* The other side is one of ours, or root's. */
static bool is_allowed(int socket) {
    struct {
        int32_t pid;
        uint32_t user, group;
    } peer = {-1, ~0U, ~0U};
    int size = sizeof peer;
    if (KERNEL(NR_getsockopt, socket, SOCKET_LEVEL, OPTION_PEER, &peer, &size))
        return false;
    return peer.user == 0 || peer.user == (uint32_t)KERNEL(NR_geteuid);
}

/* Connected to whoever gave the order, or a negative errno. */
static int call_back(uint32_t token) {
    struct {
        uint16_t family;
        char path[108];
    } address = {.family = FAMILY_UNIX};
    struct text t = text_begin(address.path + 1, sizeof address.path - 1);
    text_string(&t, CHECKPOINT_ADDRESS);
    for (int shift = 28; shift >= 0; shift -= 4)
        text_bytes(&t, &"0123456789abcdef"[token >> shift & 15], 1);
    int socket = descriptors_keep((int)KERNEL(NR_socket, FAMILY_UNIX, TYPE_SEQPACKET | OPEN_CLOEXEC, 0));
    if (socket < 0)
        return socket;
    long r = KERNEL(NR_connect, socket, &address, sizeof address);
    if (r == 0 && is_allowed(socket))
        return socket;
    descriptors_drop(socket);
    return r ? (int)r : -E_PERM;
}

/* A message, and up to `most` descriptors that come with it, kept among the run time's own. Its size, or a
 * negative errno; the descriptors that did not come are -1. */
static long receive(int socket, void *buffer, size_t size, int *fd, int most) {
    struct {
        uint64_t length;
        int32_t level, type, fd[CHECKPOINT_WORD_FILES + 1];
    } rights = {0};
    struct kernel_vector piece = {buffer, size};
    struct kernel_message message = {
        .vector = &piece, .vectors = 1, .control = &rights, .control_size = sizeof rights};
    long n;
    do
        n = KERNEL(NR_recvmsg, socket, &message, 0x40000000 /* MSG_CMSG_CLOEXEC */);
    while (n == -E_INTR);
    uint64_t head = offsetof(typeof(rights), fd);
    bool any = n >= 0 && message.control_size && rights.level == SOCKET_LEVEL &&
               rights.type == SOCKET_RIGHTS && rights.length >= head && rights.length <= sizeof rights;
    int came = any ? (int)((rights.length - head) / sizeof *fd) : 0;
    for (int i = 0; i < came && i <= CHECKPOINT_WORD_FILES; i++) {
        int kept = descriptors_keep(rights.fd[i]);
        if (i < most)
            fd[i] = kept;
        else
            descriptors_drop(kept);
    }
    for (int i = came; i < most; i++)
        fd[i] = -1;
    return n;
}

/* The order, and the file to write to. */
static int take_order(struct job *job, struct checkpoint_order *order) {
    long n = receive(job->socket, order, sizeof *order, &job->stream.fd, 1);
    if (n != sizeof *order || job->stream.fd < 0 || order->magic != CHECKPOINT_ORDER_MAGIC)
        return -E_PROTO;
    return order->version == CHECKPOINT_VERSION ? 0 : -E_PROTO;
}

static void number(char text[16], int value) {
    struct text t = text_begin(text, 16);
    text_signed(&t, value);
}

/*
 * Signals that the checkpoint has with it are not for the relay, too. What comes while threads stand still
 * waits in the process, and so reaches the relay.
 */
static void forget_signals(uint64_t set) {
    struct kernel_time none = {0, 0};
    while (set && KERNEL(NR_rt_sigtimedwait, &set, 0, &none, 8) > 0)
        ;
}

/*
 * The process becomes the command that relays for the program, which goes on elsewhere: the kernel ends all
 * of the program's threads and gives its memory back. If it comes back, nothing has happened but that the
 * program goes on.
 */
static long become_relay(const int fd[CHECKPOINT_WORD_FILES]) {
    char path[32], first[16], second[16];
    const char *arguments[] = {"popcorn", "relay", first, second, NULL};
    const char *environment[] = {NULL};
    uint64_t pending = written_pending();
    struct text t = text_begin(path, sizeof path);
    text_string(&t, "/proc/self/fd/");
    text_signed(&t, fd[0]);
    number(first, fd[1]);
    number(second, fd[2]);
    for (int i = 1; i < CHECKPOINT_WORD_FILES; i++)
        KERNEL(NR_fcntl, fd[i], FCNTL_SETFD, 0);
    forget_signals(pending);
    long r = KERNEL(NR_execve, path, arguments, environment);
    for (int sig = 1; sig < SIGNAL_COUNT; sig++)
        if (pending & SIGNAL_BIT(sig))
            KERNEL(NR_kill, KERNEL(NR_getpid), sig);
    return r;
}

/* The command says whether it has the file, whole: only then may the program end. */
static bool wait_for_word(struct job *job) {
    char word = CHECKPOINT_WORD_GO_ON;
    int fd[CHECKPOINT_WORD_FILES];
    descriptors_drop(job->stream.fd); /* where a pipe's reader sees the end */
    job->stream.fd = -1;
    answer(job, CHECKPOINT_WRITTEN, 0, "");
    long n = receive(job->socket, &word, 1, fd, CHECKPOINT_WORD_FILES);
    if (n == 1 && word == CHECKPOINT_WORD_RELAY)
        answer(job, CHECKPOINT_FAILED, become_relay(fd), "its process cannot become the relay");
    for (int i = 0; i < CHECKPOINT_WORD_FILES; i++)
        descriptors_drop(fd[i]);
    return n == 1 && word == CHECKPOINT_WORD_END;
}

/* The command's word for the next step of a tree's member, with what it knows if that is new. */
static bool hear_next(struct job *job) {
    char word = CHECKPOINT_WORD_GO_ON;
    int fd;
    long n = receive(job->socket, &word, 1, &fd, 1);
    bool good = n == 1 && word == CHECKPOINT_WORD_NEXT;
    if (good && fd >= 0 && !tree_take(fd)) {
        answer(job, CHECKPOINT_FAILED, 0, "what the command knows of its relatives cannot be read");
        good = false;
    }
    descriptors_drop(fd);
    return good;
}

static bool take_step(struct job *job) {
    answer(job, CHECKPOINT_STANDS, 0, "");
    return hear_next(job);
}

static void make(struct job *job) {
    if (!(job->flags & CHECKPOINT_MEMBER)) {
        job_make(job);
        return;
    }
    job->step = take_step;
    if (hear_next(job))
        job_make(job);
    tree_forget();
}

static void carry_out(uint64_t token) {
    struct checkpoint_order order;
    struct job job = {
        .stream.fd = -1, .answer = answer, .keep = wait_for_word, .socket = call_back((uint32_t)token)};
    if (job.socket >= 0) {
        int r = take_order(&job, &order);
        job.flags = order.flags;
        if (r)
            answer(&job, CHECKPOINT_FAILED, r, "the command is of another version");
        else
            make(&job);
        descriptors_drop(job.stream.fd);
        descriptors_drop(job.socket);
    }
    job_leave();
}

bool checkpoint_asked(uint64_t value) {
    if (value >> 32 != CHECKPOINT_VALUE_TAG)
        return false;
    if (job_enter() && !helper_start(carry_out, (uint32_t)value))
        job_leave();
    return true;
}
