/* SPDX-License-Identifier: MIT */
/* Checkpoints (popcorn/checkpoint.h) as the command reads and writes them. */
#ifndef POPCORN_COMMAND_CHECKPOINT_FILE_H
#define POPCORN_COMMAND_CHECKPOINT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "popcorn/checkpoint.h"

/* A checkpoint being read. */
struct checkpoint_input {
    int fd;
    const char *name; /* for messages */
    struct checkpoint_head head;
    uint64_t number;    /* of the next chunk */
    uint64_t offset;    /* bytes that have been read */
    uint64_t place;     /* the contents of CHECKPOINT_ELSEWHERE */
    bool leaves_memory; /* of a file: plain memory is answered as CHECKPOINT_ELSEWHERE, and not read */
    bool followed;      /* bytes of something else may follow its end */
    bool more;          /* of a tree: another process's follows */
    bool quiet;         /* whoever writes it says why it is cut short */
    uint8_t *stored, *contents;
};

/* Begins to read; of the struct, `followed` and `quiet` are set. A file that is no checkpoint, or of another
 * version, ends the command with one line. */
void checkpoint_open(struct checkpoint_input *, int fd, const char *name);

/*
 * Reads the next chunk, checked and unpacked; its contents, chunk->size bytes, are good until the next call.
 * False behind the last. What is damaged or cut short ends the command with one line.
 */
bool checkpoint_next(struct checkpoint_input *, struct checkpoint_chunk *chunk, const void **contents);

void checkpoint_close(struct checkpoint_input *);

/*
 * Behind checkpoint_open(): the processes of a tree, checked; how many there are, or 0: it is a checkpoint of
 * one process, whose chunks come next. Those of each process of a tree that has not ended come, in their
 * order, each behind checkpoint_open_member(); `more`: it is not the last.
 */
uint32_t checkpoint_read_members(struct checkpoint_input *, struct checkpoint_member[CHECKPOINT_MEMBERS]);
void checkpoint_open_member(struct checkpoint_input *, bool more);

/* The last member that has not ended. */
uint32_t checkpoint_last_member(const struct checkpoint_member *, uint32_t count);

/* A checkpoint being written, packed if `level` is not 0. Errors end the command, by `failed` (may be NULL)
 * first. */
struct checkpoint_output {
    int fd, level;
    bool unmapped;  /* nobody will map memory from it: there are no gaps */
    bool passes_on; /* the chunks are as checkpoint_next() gave them: their hashes need not be made anew */
    uint64_t offset, number;
    void (*failed)(void);
    void *packed, *context;
};

void checkpoint_write_head(struct checkpoint_output *, const struct checkpoint_head *);
void checkpoint_write(struct checkpoint_output *, const struct checkpoint_chunk *, const void *contents);

/* Zeros, to where the next process of a tree begins. */
void checkpoint_write_gap(struct checkpoint_output *);

/* Bytes of a file, as they are. */
void checkpoint_write_file(struct checkpoint_output *, int file);

/* "1.2 GiB" in a static buffer. */
const char *checkpoint_size_text(uint64_t bytes);

/* What a checkpoint holds, for `popcorn info`. */
void checkpoint_show(int fd, const char *name);

/* Does the file begin as a checkpoint does? */
bool checkpoint_is(int fd);

#endif
