/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>

#include "checkpoint/checkpoint.h"
#include "checkpoint/pairs.h"
#include "generic.h"

#define PAIRS 1024
#define QUEUE (8UL << 20) /* bytes that may wait in a socket */

enum {
    STREAM = 1,
    PEEK = 2,
    CUT_CONTROL = 8,
    CUT = 32,
    AT_ONCE = 64,
    OPTION_PEEK_OFFSET = 42,
    HOW_MANY = 0x541b
};

static struct { uint64_t inode[2]; } pair[PAIRS];
static _Atomic uint32_t next;

static uint64_t inode_of(int fd) {
    struct generic_stat stat;
    return KERNEL(NR_fstat, fd, &stat) ? 0 : stat.ino;
}

void pairs_remember(const int fd[2]) {
    uint32_t i = atomic_fetch_add(&next, 1) % PAIRS;
    pair[i].inode[0] = inode_of(fd[0]);
    pair[i].inode[1] = inode_of(fd[1]);
}

void checkpoint_socketpair(const int *users) {
    int fd[2];
    if (machine_from_user(fd, users, sizeof fd) == 0)
        pairs_remember(fd);
}

uint64_t pairs_other(uint64_t inode) {
    for (int i = 0; i < PAIRS; i++)
        for (int end = 0; end < 2; end++)
            if (pair[i].inode[end] == inode)
                return pair[i].inode[!end];
    return 0;
}

bool pairs_is_ended(int fd) {
    enum { READ_ENDED = 0x2000 };
    struct {
        int fd;
        int16_t events, revents;
    } poll = {fd, READ_ENDED, 0};
    const struct kernel_time none = {0, 0};
    return KERNEL(NR_ppoll, &poll, 1, &none, 0, 8) == 1 && poll.revents & READ_ENDED;
}

bool pairs_can_look(int fd, uint64_t type) {
    int none = -1, waiting = 0;
    KERNEL(NR_ioctl, fd, HOW_MANY, &waiting);
    return type == STREAM || !waiting ||
           KERNEL(NR_setsockopt, fd, 1, OPTION_PEEK_OFFSET, &none, sizeof none) == 0;
}

/* One look at what waits, from the offset that the socket keeps for that, if it does. */
static long look(int fd, char *buffer, size_t size, uint32_t *flags) {
    struct kernel_vector piece = {buffer, size};
    struct kernel_message message = {.vector = &piece, .vectors = 1};
    long n = KERNEL(NR_recvmsg, fd, &message, PEEK | AT_ONCE);
    *flags = (uint32_t)message.flags;
    return n;
}

/* A message behind its length, in pieces that fit into chunks. */
static void put_message(struct stream *s, char *buffer, long size, uint64_t *where) {
    uint64_t length = (uint64_t)size;
    __builtin_memcpy(buffer, &length, sizeof length);
    stream_put(s, CHECKPOINT_CONTENT, *where, buffer, sizeof length + length);
    *where += sizeof length + length;
}

/* Descriptors on their way, or more than can be looked at, cannot come along. */
static void write_stream(struct stream *s, int fd, char *buffer, uint64_t *where) {
    uint32_t flags;
    int waiting = 0;
    KERNEL(NR_ioctl, fd, HOW_MANY, &waiting);
    while (waiting > 0 && s->error == 0) {
        long n = look(fd, buffer + 8, QUEUE - 8, &flags);
        if (n != waiting || flags & CUT_CONTROL)
            s->error = -E_NOTSUP;
        for (long at = 0, part; at < n && s->error == 0; at += part) {
            const long most = CHECKPOINT_MOST - 8;
            part = n - at < most ? n - at : most;
            put_message(s, buffer + at, part, where);
        }
        waiting = 0;
    }
}

static void write_messages(struct stream *s, int fd, char *buffer, uint64_t *where) {
    int offset = 0, none = -1;
    uint32_t flags;
    bool seen = KERNEL(NR_setsockopt, fd, 1, OPTION_PEEK_OFFSET, &offset, sizeof offset) == 0;
    for (long n; s->error == 0 && (n = look(fd, buffer + 8, CHECKPOINT_MOST - 8, &flags)) >= 0;) {
        if (!seen || flags & (CUT | CUT_CONTROL) || n == 0) {
            s->error = n == 0 && seen && pairs_is_ended(fd) ? 0 : -E_NOTSUP;
            break;
        }
        put_message(s, buffer, n, where);
    }
    KERNEL(NR_setsockopt, fd, 1, OPTION_PEEK_OFFSET, &none, sizeof none);
}

void pairs_write(struct stream *s, const struct open_file *f) {
    char *buffer = private_memory(QUEUE);
    uint64_t where = 0;
    if (!buffer) {
        s->error = -E_NOMEM;
        return;
    }
    (f->what.detail[1] == STREAM ? write_stream : write_messages)(s, f->fd, buffer, &where);
    KERNEL(NR_munmap, buffer, QUEUE);
}
