/* SPDX-License-Identifier: MIT */
/* TLS 1.3 by a key that both sides have, for the handshake; then the kernel's own TLS takes the socket over.
 */
#ifndef AGENT_TLS_H
#define AGENT_TLS_H

#include <stdbool.h>

#include "agent/nodes.h"

/*
 * The machines of a handshake: `self`, and the one at the other end: known to the side that connects; the
 * side that accepts learns it from the name that the other gives with its key (-1 before).
 */
struct tls_side {
    const struct machines *machines;
    bool connects;
    int other;
    char error[256];
};

/* Makes the handshake on a connected socket and gives the keys to the kernel. False with a line in `error`.
 */
bool tls_handshake(struct tls_side *, int socket);

/* Is the key that this machine shares with that one there, and safe? False with one line in `error`. */
bool tls_check_key(const struct machines *, int nid, char error[256]);

#endif
