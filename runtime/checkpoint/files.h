/* SPDX-License-Identifier: MIT */
#ifndef CHECKPOINT_FILES_H
#define CHECKPOINT_FILES_H

#include "checkpoint/internal.h"

/* A descriptor of the process. */
struct open_file {
    int fd;
    uint32_t mode, links;
    uint64_t device, inode;
    uint64_t mapped;                 /* CHECKPOINT_MAPPED: where */
    struct checkpoint_shared shared; /* no holders: nobody else has it open */
    struct checkpoint_file what;
    char path[CHECKPOINT_PATH];
};

/* Options of a socket, by enum checkpoint_socket. */
static const struct socket_option {
    uint32_t flag;
    int level, option;
} socket_options[] = {{CHECKPOINT_IPV6_ONLY, 41, 26}, {CHECKPOINT_REUSE_ADDRESS, 1, 2},
                      {CHECKPOINT_REUSE_PORT, 1, 15}, {CHECKPOINT_BROADCAST, 1, 6},
                      {CHECKPOINT_KEEP_ALIVE, 1, 9},  {CHECKPOINT_NO_DELAY, 6, 1}};

#define SOCKET_OPTIONS (sizeof socket_options / sizeof *socket_options)

/* fileinfo.c, from /proc/self/fdinfo: the details of a file of CHECKPOINT_EVENT, _TIMER or _SIGNALS. */
void fileinfo_read(struct open_file *);
/* The contents of CHECKPOINT_EPOLL. */
void fileinfo_write_watches(struct stream *, const struct open_file *);
/* What an inotify watches. */
struct fileinfo_watch {
    uint32_t number, mask;
    uint64_t inode, device;
};
void fileinfo_each_watch(int fd, void (*visit)(const struct fileinfo_watch *, void *state), void *state);
/* The contents of CHECKPOINT_REGULAR: the program's locks on it. */
void fileinfo_write_locks(struct stream *, const struct open_file *);

#endif
