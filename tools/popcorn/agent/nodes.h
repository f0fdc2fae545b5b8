/* SPDX-License-Identifier: MIT */
/*
 * The file of machines, /etc/popcorn/nodes: one line each, `NUMBER NAME ADDRESS PORT SECURITY`, and comments
 * that begin with #. SECURITY is the path of a file with the key that this machine shares with that one, or
 * the word `insecure`. The line with this machine's own name says where it listens.
 */
#ifndef AGENT_NODES_H
#define AGENT_NODES_H

#include <stdbool.h>
#include <stdint.h>

#define NODES_FILE "/etc/popcorn/nodes"
#define NODES_MAX 32

struct machine {
    char name[64];
    char address[64];
    char port[8];
    char key[256]; /* path; empty: insecure */
};

struct machines {
    bool known[NODES_MAX];
    struct machine machine[NODES_MAX];
    int self; /* number of this machine, -1 if it is not in the file */
};

/* Reads the file. `name` is this machine's, or NULL for its host name. False, with one line in `error`, if it
 * cannot be read or is wrong. */
bool machines_read(struct machines *, const char *path, const char *name, char error[256]);

#endif
