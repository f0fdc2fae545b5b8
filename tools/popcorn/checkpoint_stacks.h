/* SPDX-License-Identifier: MIT */
/* Where the threads of a checkpoint stand: their frame records, read out of its memory. */
#ifndef POPCORN_COMMAND_CHECKPOINT_STACKS_H
#define POPCORN_COMMAND_CHECKPOINT_STACKS_H

#include <stdint.h>

#include "checkpoint_file.h"

/* A checkpoint, read up to its end, in which memory can be looked up. */
struct stacks {
    const char *name;
    int fd;        /* of the checkpoint, a file */
    int64_t begin; /* where the process's own begins in it */
    int program;   /* a memory file: what chunks had of the program's file; -1: nothing */
    struct place {
        uint64_t where, size, number; /* of a chunk of memory */
        int64_t at;                   /* in the file */
    } * place;
    uint64_t places, room;
    struct checkpoint_thread *thread;
    uint64_t threads;
};

/* Takes note of a chunk; `at`: where it begins in the file. */
void stacks_take(struct stacks *, const struct checkpoint_input *, const struct checkpoint_chunk *,
                 const void *contents, int64_t at);

/* Prints a line for each thread: the functions that it is in, the outermost first, as far as they are known.
 */
void stacks_show(struct stacks *, const struct checkpoint_process *);

#endif
