/* SPDX-License-Identifier: MIT */
/* Checkpoints that the command orders. */
#include <stdatomic.h>

#include "base/descriptors.h"
#include "checkpoint/job.h"

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

/* The order, and the file to write to. */
static int take_order(struct job *job, struct checkpoint_order *order) {
    struct {
        uint64_t length;
        int32_t level, type, fd, padding;
    } rights = {0};
    struct kernel_vector piece = {order, sizeof *order};
    struct {
        void *name;
        uint32_t name_size, reserved;
        struct kernel_vector *piece;
        uint64_t pieces;
        void *control;
        uint64_t control_size;
        int32_t flags, reserved2;
    } message = {.piece = &piece, .pieces = 1, .control = &rights, .control_size = sizeof rights};
    long n = KERNEL(NR_recvmsg, job->socket, &message, 0x40000000 /* MSG_CMSG_CLOEXEC */);
    bool has_file =
        n >= 0 && message.control_size && rights.level == SOCKET_LEVEL && rights.type == SOCKET_RIGHTS;
    job->stream.fd = has_file ? descriptors_keep(rights.fd) : -1;
    if (n != sizeof *order || !has_file || order->magic != CHECKPOINT_ORDER_MAGIC)
        return -E_PROTO;
    return order->version == CHECKPOINT_VERSION ? 0 : -E_PROTO;
}

/* The command says whether it has the file, whole: only then may the program end. */
static bool wait_for_word(struct job *job) {
    char word = 0;
    descriptors_drop(job->stream.fd); /* where a pipe's reader sees the end */
    job->stream.fd = -1;
    answer(job, CHECKPOINT_WRITTEN, 0, "");
    while (KERNEL(NR_read, job->socket, &word, 1) == -E_INTR)
        ;
    return word;
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
            job_make(&job);
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
