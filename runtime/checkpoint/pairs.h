/* SPDX-License-Identifier: MIT */
/*
 * Which sockets are two ends of a socketpair: the kernel tells nobody, so it is noted when one is made. One
 * that is not known, because another process made it or there are too many, is taken for a connection to
 * elsewhere.
 */
#ifndef CHECKPOINT_PAIRS_H
#define CHECKPOINT_PAIRS_H

#include <stdint.h>

#include "checkpoint/files.h"

/* Takes note of a socketpair that has been made. */
void pairs_remember(const int fd[2]);

/* The inode of the other end of the socket with this inode, or 0. */
uint64_t pairs_other(uint64_t inode);

/* Can the kernel show all that waits to be read? An emulator shows the first message alone. */
bool pairs_can_look(int fd, uint64_t type);

/* The contents of CHECKPOINT_PAIR: what waits to be read. Nothing of it is taken away. */
void pairs_write(struct stream *, const struct open_file *);

/* Is all that there will ever be to read there already? */
bool pairs_is_ended(int fd);

#endif
