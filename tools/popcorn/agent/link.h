/* SPDX-License-Identifier: MIT */
/*
 * A connection between two agents: who is at the other end is known (by a key that both have and TLS 1.3, or,
 * for an insecure one, by its address alone), and what the kernel sends and receives on the socket is
 * encrypted by itself, so it can be handed to the module, or read and written like any other.
 */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "agent/nodes.h"

enum link_purpose {
    LINK_PEER,  /* the socket is for the module */
    LINK_IMAGE, /* a program's image is asked for */
};

/* The first thing that the connecting side says. */
struct link_hello {
    char magic[8];
    uint32_t from, to;
    uint32_t purpose;   /* enum link_purpose */
    uint32_t tgid;      /* LINK_IMAGE: the program's process at the answering machine */
    uint8_t digest[32]; /* LINK_IMAGE: of its file */
    char isa[16];       /* LINK_IMAGE: whose image, NUL-terminated */
};

/* What it hears. LINK_IMAGE: another one says what will be sent, then the image follows. */
struct link_answer {
    int32_t error; /* a positive errno, or 0 */
    uint32_t reserved;
    uint64_t size;      /* of the image */
    uint8_t digest[32]; /* its SHA-256 */
};

/* Connects to a machine and says hello. The socket, or -1 with one line in `error`. */
int link_connect(const struct machines *, int nid, struct link_hello hello, char error[256]);

/* Finds out who has connected and what he wants. The machine's number, or -1 with one line in `error`. */
int link_accept(const struct machines *, int socket, struct link_hello *hello, char error[256]);

/* A socket that listens on this machine's own line, or -1 with one line in `error`. */
int link_listen(const struct machines *, char error[256]);

/* All of it, or -1. */
int link_read(int socket, void *buffer, size_t size);
int link_write(int socket, const void *buffer, size_t size);

#endif
