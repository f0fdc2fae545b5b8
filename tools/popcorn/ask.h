/* SPDX-License-Identifier: MIT */
/*
 * A running program is asked for a checkpoint, as popcorn/checkpoint.h describes; the program writes, a
 * process of the command's packs what comes. Used by `popcorn checkpoint` and `popcorn move`.
 */
#ifndef POPCORN_COMMAND_ASK_H
#define POPCORN_COMMAND_ASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "popcorn/checkpoint.h"

struct asked {
    pid_t pid;    /* of the program */
    int program;  /* the socket to it */
    pid_t packer; /* the process that packs */
};

/* The flags of a list with commas, as --drop takes it; anything else in it ends the command. */
uint32_t ask_drop_flags(const char *list);

/* Ends the command with one line if the process is no popcorn program, or not the user's. */
void ask_check_program(pid_t pid);

/* Calls the program. It does nothing yet. If it does not answer, the command ends with one line. */
struct asked ask_begin(pid_t pid);

/* Sends the program words and at most ASK_MOST_FILES descriptors. False: it is not there any more; see errno.
 */
#define ASK_MOST_FILES CHECKPOINT_WORD_FILES
bool ask_send(int program, const void *words, size_t size, const int *file, int files);

/*
 * Orders the checkpoint: flags of enum checkpoint_order_flags, zstd's level, or 0 for no packing. It goes to
 * `output`. The program goes on, or, with CHECKPOINT_STOP, waits for a word: enum checkpoint_word.
 */
void ask_write(struct asked *, uint32_t flags, int output, int level);

/*
 * Until everything has been written. If the program says that it cannot be, the command ends with one line;
 * if what it wrote could not be packed or passed on, that has been said, and the answer is false.
 */
bool ask_finish(struct asked *);

#endif
