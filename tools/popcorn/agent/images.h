/* SPDX-License-Identifier: MIT */
/*
 * Programs' images on this machine: those that came here for programs of other machines are kept, each under
 * its own SHA-256, and under the machine and the SHA-256 of a program's file that has it; others are read
 * from processes at home here.
 */
#ifndef AGENT_IMAGES_H
#define AGENT_IMAGES_H

#include "agent/link.h"

#define IMAGES_FOLDER "/var/cache/popcorn"

/*
 * This machine's image of a program of machine `nid` whose file has this digest: a descriptor, opened for
 * reading. If it is not here, that machine is asked for it, where the program's process is `tgid`. -1 with
 * errno and a line in `error`.
 */
int images_get(const struct machines *, int nid, uint32_t tgid, const uint8_t digest[32], char error[256]);

/* Answers LINK_IMAGE on the socket: with an image out of the file of the process, if that has the digest. */
void images_serve(int socket, const struct link_hello *);

#endif
