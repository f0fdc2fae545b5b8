/* SPDX-License-Identifier: MIT */
/*
 * How `popcorn move`, the relay that it leaves behind and `popcorn receive` on the other machine speak. First
 * come HELLO, OFFER and the checkpoint; from then on frames both ways. docs/checkpoint.md, "Moving", says who
 * may go on when. Little-endian on all ISAs; whatever comes may be wrong.
 */
#ifndef POPCORN_COMMAND_MOVE_H
#define POPCORN_COMMAND_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MOVE_MAGIC "POPMOVE" /* with its NUL */
#define MOVE_VERSION 1
#define MOVE_SECRET 32
#define MOVE_ID (2 * 16 + 1)    /* a move's name: the first half of its lock in hexadecimal */
#define MOVE_FRAME_MOST 65536UL /* bytes behind a frame's head */
#define MOVE_FLOWS 3            /* standard input, output and error */
#define MOVE_ADDRESS                                                                                         \
    "popcorn-move-" /* then the move's name: the abstract unix address where it is waited for */

enum move_frame_kind {
    MOVE_HELLO = 1,   /* to the source: struct move_hello */
    MOVE_OFFER,       /* to the target: struct move_offer, then the words that map paths, each with a NUL */
    MOVE_READY,       /* to the source: struct move_ready; the program needs a word to go on, nothing else */
    MOVE_COMMIT,      /* to the target: struct move_commit; the program has ended here and goes on there */
    MOVE_STARTED,     /* to the source: struct move_started */
    MOVE_ABORT,       /* to the target: it goes on here and never there */
    MOVE_GONE,        /* to the source: nobody waits for that move */
    MOVE_DATA,        /* uint32_t of enum move_flow, bytes */
    MOVE_ENDED,       /* uint32_t: its bytes end here */
    MOVE_SHUT,        /* uint32_t: nobody reads them any more */
    MOVE_ACKNOWLEDGE, /* struct move_acknowledge */
    MOVE_SIGNAL,      /* to the program: uint32_t */
    MOVE_WINDOW,      /* struct move_window */
    MOVE_STOPPED,     /* to the source: the program stands still until SIGCONT */
    MOVE_EXIT,        /* to the source: struct move_exit */
    MOVE_BYE,         /* to the target: it has been heard */
};

struct move_frame {
    uint32_t kind, size;
};

struct move_hello {
    char magic[8];
    uint32_t version, reserved;
    char isa[16];
};

enum move_standard_kind { MOVE_NOTHING, MOVE_PIPE, MOVE_TERMINAL };

struct move_window {
    uint16_t rows, columns, width, height;
};

struct move_terminal {
    uint32_t input, output, control, local; /* the flags of struct termios */
    uint8_t characters[32];
    struct move_window window;
};

enum move_offer_flags { MOVE_FORCE = 1, MOVE_DETACH = 2 };

struct move_offer {
    uint8_t lock[32]; /* SHA-256 of the secret */
    uint32_t flags;
    struct {
        uint32_t kind; /* enum move_standard_kind */
        uint32_t same; /* the first of the three that is the same open file */
    } standard[MOVE_FLOWS];
    struct move_terminal terminal;
    char isa[16]; /* which to go on as; empty: the machine's */
};

struct move_ready {
    int32_t pid;
    uint32_t reserved;
    char popcorn[4096]; /* path of the command there */
};

/* `received`: how many bytes of each flow have come, of those that come from the other side. */
struct move_commit {
    uint8_t secret[MOVE_SECRET];
    uint32_t flags, reserved; /* MOVE_DETACH: nobody relays any more */
    uint64_t received[MOVE_FLOWS];
};

struct move_started {
    int32_t pid;
    uint32_t reserved;
    uint64_t received[MOVE_FLOWS];
};

struct move_acknowledge {
    uint32_t flow, reserved;
    uint64_t count; /* bytes that have been passed on */
};

struct move_exit {
    int32_t status; /* as of wait() */
    uint32_t has_terminal;
    struct move_terminal terminal;
};

#define MOVE_OTHERS 63 /* CHECKPOINT_MEMBERS but for the first */

/* What the relay is told by the command that starts it: this, then its words. */
struct move_state {
    uint8_t secret[MOVE_SECRET];
    struct move_offer offer;
    char host[256];
    char attach[4352];    /* what is run on the host to be connected again */
    uint32_t arguments;   /* number of words that run a command there */
    uint32_t environment; /* number of words that follow them */
    uint32_t size;        /* of all words */
    uint32_t others;      /* descendants of the program that have moved with it, and shall end */
    int32_t other[MOVE_OTHERS];
    uint32_t reserved;
};

/* The lock of a secret: its SHA-256. */
void move_lock(const uint8_t secret[MOVE_SECRET], uint8_t lock[32]);

/* The move's name, from its lock. */
void move_name(const uint8_t lock[32], char name[MOVE_ID]);

/* Blocking: a whole frame. False: the connection has ended, or what comes is no frame. */
bool frame_write(int fd, enum move_frame_kind, const void *payload, size_t size);
bool frame_read(int fd, struct move_frame *, void *payload); /* room for MOVE_FRAME_MOST */

/* All of the bytes, blocking. */
bool read_whole(int fd, void *to, size_t size);
bool write_whole(int fd, const void *from, size_t size);

/* Runs a command on the host: `word` is ssh's part of the command, with a NULL at the end; `errors` is ssh's
 * standard error. Connected to its standard input and output, and its process's id. */
int remote_run(char *const *word, const char *command, int errors, pid_t *ssh);

/*
 * For what ssh says where the connection outlives this process, whose standard error may be a pipe of which
 * somebody waits for the end. What is written reaches standard error while this process is there; later it is
 * read and forgotten. `passer` is the process that sees to it, and ends when nobody can write any more.
 */
int remote_errors(pid_t *passer);

/* The relay, in a process that has everything it needs; it ends with the program's exit code. `started` is
 * called once the program goes on there. */
struct relay;
_Noreturn void relay_run(const struct move_state *, char *const *word, int connection);

/* Commits a move that nobody relays for. The process's id there, or 0: it is in doubt, and that has been
 * said. */
pid_t relay_detached(const struct move_state *, char *const *word, int connection);

#endif
