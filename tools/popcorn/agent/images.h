/* SPDX-License-Identifier: MIT */
/*
 * Programs' images on this machine: those that came here for programs of other machines are kept, each under
 * its own SHA-256, and under the machine, the user and the SHA-256 of a program's file that has it; others
 * are read from processes at home here. Users do not share the second kind of name: whoever changes his
 * program's file while it is read there gets what he deserves, and nobody else does.
 */
#ifndef AGENT_IMAGES_H
#define AGENT_IMAGES_H

#include <uapi/popcorn.h>

#include "agent/link.h"

#define IMAGES_FOLDER "/var/cache/popcorn"

/*
 * This machine's image of a program: a descriptor, opened for reading. If it is not here, the program's
 * machine is asked for it. -1 with errno and a line in `error`.
 */
int images_get(const struct machines *, const struct popcorn_clone_request *, char error[256]);

/* Answers LINK_IMAGE on the socket: with an image out of the file of the process, if that has the digest. */
void images_serve(int socket, const struct link_hello *);

#endif
