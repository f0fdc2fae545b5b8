/* SPDX-License-Identifier: MIT */
/* The parts of `popcorn receive`. All of them end it by die() when something fails. */
#ifndef POPCORN_COMMAND_RECEIVER_H
#define POPCORN_COMMAND_RECEIVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "move/move.h"
#include "move/wire.h"
#include "restart.h"

#define MOST_CALLERS 4 /* connections that have not said yet who they are */

struct receiver {
    struct move_offer offer;
    struct restart restart;
    struct wire wire;
    pid_t child;
    int leave; /* socket to the program that waits */
    int listener, signals;
    int standard[MOVE_FLOWS]; /* the program's ends */
    int master[MOVE_FLOWS];   /* ours, of which the flows are copies; those of terminals stay */
    int terminal;             /* the first that is one, or -1 */
    bool committed, attached, ended, told, detached, remove;
    struct move_exit end;
    struct wire caller[MOST_CALLERS];
};

/* A copy of a descriptor, above the standard ones and closed by exec. */
int receiver_duplicate(int fd);

/* Makes the program's standard input, output and error as the offer wants them: both ends of each. */
void receiver_make_standard(struct receiver *);

/* Connects our ends with the flows of the wire. */
void receiver_make_flows(struct receiver *);

/* The socket by which a move is reached again, for `callers` at a time. */
int move_listen(const uint8_t lock[32], int callers);

/* Between standard input and output and the process that waits for the move of that name, until one ends. */
_Noreturn void move_attach(const char *name);

/* Lets the program of a move go on by itself: `secret` in hexadecimal digits. */
_Noreturn void move_release(const char *secret);

#endif
