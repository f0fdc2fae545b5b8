/* SPDX-License-Identifier: MIT */
#ifndef CHECKPOINT_FILES_H
#define CHECKPOINT_FILES_H

#include "checkpoint/internal.h"

/* A descriptor of the process. */
struct open_file {
    int fd;
    uint32_t mode, links;
    uint64_t device, inode;
    uint64_t mapped; /* CHECKPOINT_MAPPED: where */
    struct checkpoint_file what;
    char path[CHECKPOINT_PATH];
};

/* fileinfo.c, from /proc/self/fdinfo: the details of a file of CHECKPOINT_EVENT, _TIMER or _SIGNALS. */
void fileinfo_read(struct open_file *);
/* The contents of CHECKPOINT_EPOLL. */
void fileinfo_write_watches(struct stream *, const struct open_file *);

#endif
