/* SPDX-License-Identifier: MIT */
/*
 * What an inotify watches. The kernel tells the inode of each watch, but not the path by which the program
 * named it: the paths of watches are remembered as they are made (checkpoint_watched()), some 8,000 of them.
 * When their watches are to be written, each path is watched once more, for a moment and by a descriptor of
 * our own: whose inode is the same, is the path.
 */
#ifndef CHECKPOINT_NOTIFY_H
#define CHECKPOINT_NOTIFY_H

#include "checkpoint/files.h"

/* What of it cannot be written, as text, or NULL. Of a program that runs, what it has not read counts not
 * yet. */
const char *notify_cannot(int fd, bool running);

/* The contents of a file of CHECKPOINT_NOTIFY. */
void notify_write(struct stream *, const struct open_file *);

/* Watches what stands in such contents; *last is the number of the watch made last, 0 at first. Negative
 * errno, and then path[] may say of what. */
long notify_restore(int fd, const char *bytes, uint64_t size, uint64_t *last, char path[CHECKPOINT_PATH]);

#endif
