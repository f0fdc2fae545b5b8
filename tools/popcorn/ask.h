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
    int program;  /* the socket to it; -1: it has ended */
    pid_t packer; /* the process that packs */
};

/* The flags of a list with commas, as --drop takes it; anything else in it ends the command. */
uint32_t ask_drop_flags(const char *list);

/* Ends the command with one line if the process is no popcorn program, or not the user's. */
void ask_check_program(pid_t pid);

/* Calls the program. It does nothing yet. If it is there and does not answer, the command ends with one line.
 */
struct asked ask_begin(pid_t pid);

/* Ends the command with one line if it has ended. */
void ask_require(const struct asked *);

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
 * A member of a tree takes its next step; `table`, if it is not -1, is what it is told with that.
 */
void ask_next(const struct asked *, int table);

/* What the program says in the end, or that it waits for the next step. */
enum ask_heard {
    ASK_WRITTEN,
    ASK_STANDS,
    ASK_CANNOT, /* something cannot come along, which has been told, and counted */
    ASK_PACKER, /* what it wrote could not be packed or passed on, which has been said */
    ASK_ENDED,  /* it broke off, or has ended */
};

/* Until it says so; lines about it begin with `name`. If it cannot be written for another reason, the command
 * ends with one line. */
enum ask_heard ask_hear(const struct asked *, const char *name, int *cannot);

/* Ends the command: so many things cannot come along. */
_Noreturn void ask_cannot(int things);

/* Has all that was written been packed and passed on? If not, that has been said. */
bool ask_packed(const struct asked *);

/* Nothing more is wanted of the program: it goes on. */
void ask_end(struct asked *);

/*
 * Until everything has been written. If the program says that it cannot be, the command ends with one line;
 * if what it wrote could not be packed or passed on, that has been said, and the answer is false.
 */
bool ask_finish(struct asked *);

#endif
