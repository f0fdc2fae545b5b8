/* SPDX-License-Identifier: MIT */
/* A checkpoint becomes a process: what `popcorn restart`, `popcorn run --resume` and `popcorn receive` share.
 */
#ifndef POPCORN_COMMAND_RESTART_H
#define POPCORN_COMMAND_RESTART_H

#include <stdbool.h>

#include "popcorn/checkpoint.h"
#include "popcorn/sha256.h"

#define RESTART_MOST_MAPS 64

struct restart {
    const char *path; /* of the checkpoint, for messages too */
    const char *isa;
    const char *map[RESTART_MOST_MAPS]; /* OLD=NEW */
    int maps;
    bool force;
    int tree; /* descriptor of a struct checkpoint_family, of a process of a tree; 0: it is alone */
    int wait; /* descriptor on which the program says that it is ready, and waits for leave to go on; 0: none
               */
};

/* What has been read: the rest of it as the program takes it, and the program's file. */
struct restart_checkpoint {
    struct checkpoint_process process;
    int rest, program;
    int file;       /* in which its memory lies; -1: the rest has all of it */
    uint64_t pages; /* bytes of memory that there are, if they came in a stream */
    struct checkpoint_child child[CHECKPOINT_MEMBERS]; /* that have ended */
    uint32_t children;
};

struct checkpoint_input;
struct restart_tree;

/* Reads and checks all of a checkpoint from a descriptor, which is the tree's or closed afterwards, but for
 * standard input. Whatever is wrong ends the command with one line. */
void restart_read(const struct restart *, int fd, struct restart_tree *);

/*
 * Reads and checks the checkpoint of one process, which has been opened; `live`: its memory comes in any
 * order, and again. Whatever is wrong ends the command with one line.
 */
void restart_read_process(const struct restart *, struct checkpoint_input *, bool live,
                          struct restart_checkpoint *);

/* Becomes the program. */
_Noreturn void restart_become(const struct restart *, const struct restart_checkpoint *);

/* Finds the program's file and the image of the ISA that it shall go on as. */
void restart_find_program(const struct restart *, struct restart_checkpoint *);

/* The SHA-256 of a file, from where it stands. False if it cannot be read. */
bool restart_hash_file(int fd, uint8_t digest[SHA256_BYTES]);

/* Adds one --map to those that there are; the command ends if it is none, or one too many. */
void restart_add_map(const char *map[RESTART_MOST_MAPS], int *maps, const char *added);

#endif
