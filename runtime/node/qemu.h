/* SPDX-License-Identifier: MIT */
/* qemu-user, which runs another ISA's image on this machine. */
#ifndef NODE_QEMU_H
#define NODE_QEMU_H

#include "popcorn/backend.h"

#define QEMU_ARGUMENTS 8

/* What a node's process is called; by this it knows itself (nodes_enter). */
#define NODE_NAME "popcorn-node"

struct qemu {
    char path[4096]; /* of qemu; empty for this machine's own ISA */
    char name[32];
};

/* Where the program's PATH is to be looked up. Once, at the start. */
void qemu_search_path(const char *path);

/* Finds the program for an ISA. 0, or -ENOENT with a reason. */
int qemu_find(struct qemu *, const char *isa, char reason[POPCORN_REASON_SIZE]);

/* The arguments that run the image at descriptor NODE_IMAGE; the strings last as long as the struct. */
void qemu_arguments(struct qemu *, char *argument[QEMU_ARGUMENTS]);

#endif
