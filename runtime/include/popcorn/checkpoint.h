/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint: a program written to a stream, to go on somewhere else or later. docs/checkpoint.md explains
 * the format, which is the same on every ISA: little-endian, no pointers but portable addresses. Read by the
 * run time and by the command; whatever stands in it may be wrong.
 */
#ifndef POPCORN_CHECKPOINT_H
#define POPCORN_CHECKPOINT_H

#include <stdint.h>

#include "popcorn/xxh64.h"

#define CHECKPOINT_MAGIC "POPCKPT" /* with its NUL */
#define CHECKPOINT_VERSION 1
#define CHECKPOINT_TREE_VERSION 2   /* several processes: struct checkpoint_member */
#define CHECKPOINT_MOST (1UL << 20) /* bytes in a chunk, unpacked */
#define CHECKPOINT_PAGE 4096UL
#define CHECKPOINT_PATH 4096

/* Those that a program makes of itself are files of this name and a number of ten digits, from 1. */
#define CHECKPOINT_NAME "checkpoint-"
#define CHECKPOINT_DIGITS 10

struct checkpoint_head {
    char magic[8];
    uint32_t version;
    uint32_t size; /* of this struct */
    char isa[16];  /* of the process that wrote it, NUL-terminated */
    uint64_t layout_hash;
    int64_t written; /* CLOCK_REALTIME, nanoseconds */
    uint64_t hash;   /* of what stands before it */
};

enum checkpoint_kind {
    CHECKPOINT_PROGRAM = 1, /* bytes of the program's file; where: their offset */
    CHECKPOINT_PROCESS,     /* struct checkpoint_process */
    CHECKPOINT_FILE,        /* struct checkpoint_file and a path; where: the descriptor */
    CHECKPOINT_CONTENT,     /* of the file of the last CHECKPOINT_FILE; where: offset */
    CHECKPOINT_THREAD,      /* struct checkpoint_thread */
    CHECKPOINT_MEMORY,      /* whole pages; where: their address */
    CHECKPOINT_END,         /* empty; where: how many chunks stand before it */
    CHECKPOINT_POSIX_TIMER, /* struct checkpoint_posix_timer: a timer of timer_create() */
    CHECKPOINT_TREE,        /* a tree's only chunk: struct checkpoint_member, for each process one */
    CHECKPOINT_SHARED,      /* of a tree's process: struct checkpoint_shared, of the file that comes next */
    CHECKPOINT_CHILD,       /* of a tree's process: struct checkpoint_child */
};

enum checkpoint_packing {
    CHECKPOINT_PLAIN,
    CHECKPOINT_ZSTD,
    /* Never in a file: so the command hands on plain memory that it leaves where it is. What is stored is its
       offset there, 8 bytes, but the hash is that of the contents, which nobody has looked at yet; 0: the
       command has. */
    CHECKPOINT_ELSEWHERE,
};
/*
 * In a stream that is no file: memory may come before everything else, and again; behind all of it come
 * these, runs of the pages that there are, in the order in which a file has them.
 */
#define CHECKPOINT_PAGES 64 /* struct checkpoint_run, any number */

struct checkpoint_run {
    uint64_t start, size;
};

struct checkpoint_chunk {
    uint16_t kind, packing;
    uint32_t gap; /* bytes of zeros between this and the contents */
    uint64_t where;
    uint64_t size;          /* of the contents */
    uint64_t stored;        /* of the contents as they stand here, packed; then zeros up to a multiple of 8 */
    uint64_t contents_hash; /* of the stored bytes */
    uint64_t hash;          /* of what stands before it; the seed is the chunk's number, from 0 */
};

#define CHECKPOINT_LIMITS 16
#define CHECKPOINT_TIMERS 3

struct checkpoint_process {
    int32_t pid; /* as the program sees it */
    uint32_t nthreads;
    uint32_t umask;
    uint32_t program_inside;              /* not zero: chunks of the program's file stand before this one */
    int64_t realtime, monotonic;          /* as the program saw them, nanoseconds */
    uint64_t data_start, data_end;        /* the portable data */
    uint64_t limit[CHECKPOINT_LIMITS][2]; /* by number of asm-generic: what may be used, what may be set */
    int64_t timer[CHECKPOINT_TIMERS][4];  /* struct itimerval of setitimer() */
    uint64_t pending;                     /* signals that wait for any thread: bit sig - 1 */
    uint64_t program_size;                /* of its file */
    uint8_t program_hash[32];             /* SHA-256 */
    char program[CHECKPOINT_PATH];        /* its path */
    char directory[CHECKPOINT_PATH];      /* where the program works */
};

struct checkpoint_thread {
    uint64_t address; /* struct popcorn_thread */
    int32_t tid;      /* as the program sees it */
    uint32_t reserved;
    uint64_t mask, pending; /* of signals */
};

/* A timer of timer_create(). Times in nanoseconds. */
struct checkpoint_posix_timer {
    int32_t id, clock;
    int32_t signal, notify; /* the latter: SIGEV_NONE, SIGEV_SIGNAL or SIGEV_THREAD_ID */
    int32_t tid;            /* whom the signal is for, with SIGEV_THREAD_ID; as the program sees it */
    int32_t overrun;        /* of the last signal that came */
    uint32_t absolute;      /* not zero: it was set to a time of its clock */
    uint32_t pending;       /* not zero: its signal waits, and stands in no other set of those that do */
    uint64_t value;         /* comes with the signal */
    int64_t interval, left; /* 0: once; it does not run */
};

enum checkpoint_file_kind {
    CHECKPOINT_STANDARD = 1, /* standard input, output or error: the new process's own */
    CHECKPOINT_REGULAR,      /* a file or folder by its path */
    CHECKPOINT_DELETED,      /* a file that has no path any more; contents follow */
    CHECKPOINT_DEVICE,       /* /dev/null and its kin, by path */
    CHECKPOINT_PIPE,         /* one end; contents follow the first */
    CHECKPOINT_EVENT,        /* eventfd; detail[0]: its count, [1]: not zero: a semaphore */
    CHECKPOINT_LISTENER,     /* a socket that is not connected; detail: family, type, protocol, enum
                                checkpoint_socket; contents: its address */
    CHECKPOINT_EPOLL,        /* contents: struct checkpoint_watch, one for each file */
    CHECKPOINT_TIMER,        /* timerfd; detail: clock, interval and time left in nanoseconds, flags */
    CHECKPOINT_SIGNALS,      /* signalfd; detail[0]: its mask */
    CHECKPOINT_PAIR, /* one end of a socketpair; detail[0]: the other's object, or 0: closed, [1]: type, [2]:
                        not zero: nothing more will come; contents: what waits to be read, each message after
                        its length (8 bytes) */
    CHECKPOINT_MAPPED, /* no descriptor: the file of a shared mapping; where: its address */
    CHECKPOINT_GONE,   /* closed by --drop: reads the end, as if the other side had gone */
    CHECKPOINT_NOTIFY, /* inotify; contents: struct checkpoint_notify, one for each watch, by their numbers */
};

/* Of CHECKPOINT_LISTENER: it listens, and which of its options are on. */
enum checkpoint_socket {
    CHECKPOINT_LISTENS = 1,
    CHECKPOINT_IPV6_ONLY = 2,
    CHECKPOINT_REUSE_ADDRESS = 4,
    CHECKPOINT_REUSE_PORT = 8,
    CHECKPOINT_BROADCAST = 16,
    CHECKPOINT_KEEP_ALIVE = 32,
    CHECKPOINT_NO_DELAY = 64,
};

/* Contents of CHECKPOINT_REGULAR: a lock on the file, or on a part of it. */
struct checkpoint_lock {
    uint32_t kind;       /* enum checkpoint_lock_kind */
    uint32_t exclusive;  /* not zero: for writing */
    uint64_t start, end; /* of its bytes, `end` the last; ~0: to the end of the file, however long it grows */
};

enum checkpoint_lock_kind { CHECKPOINT_LOCK_PROCESS = 1, CHECKPOINT_LOCK_FILE, CHECKPOINT_LOCK_WHOLE };

struct checkpoint_file {
    uint32_t kind;  /* enum checkpoint_file_kind */
    uint32_t flags; /* open()'s */
    uint32_t close_on_exec;
    uint32_t path;    /* bytes of the path behind this struct, with its NUL; 0: none */
    uint64_t object;  /* descriptors of the same open file have the same */
    uint64_t offset;  /* read and written next */
    uint64_t size;    /* of the file */
    int64_t modified; /* of the file, nanoseconds */
    uint64_t detail[4];
};

/*
 * Several processes in one file: a program and its descendants. Behind a head of CHECKPOINT_TREE_VERSION and
 * a chunk of kind CHECKPOINT_TREE, the checkpoint of each process that has not ended, as if it were alone, in
 * the order of the members and each at the next multiple of CHECKPOINT_PAGE; zeros lie between them.
 */
#define CHECKPOINT_MEMBERS 64

struct checkpoint_member {
    int32_t id;       /* the kernel's, when this was written: no two are the same */
    int32_t parent;   /* its number among the members, lower than its own; -1: the first */
    int32_t group;    /* number of the member that leads its process group; -1: it is in the first one's */
    uint32_t session; /* not zero: it leads a session; else it is in its parent's */
    uint32_t ended;   /* not zero: a zombie, which has no checkpoint; its parent's has its exit code */
    uint32_t reserved;
};

/* A file that several members have open: the lowest of them makes it, and hands it to the others. */
struct checkpoint_shared {
    uint64_t object;
    uint64_t holders; /* by bit of the member's number */
    uint32_t self;    /* whose checkpoint this is */
    uint32_t reserved;
};

/* A child that has ended, which nobody has waited for. */
struct checkpoint_child {
    int32_t id;           /* as in struct checkpoint_member */
    int32_t pid;          /* as the program sees it */
    int32_t code, status; /* si_code and si_status of its end */
};

struct checkpoint_watch {
    int32_t fd;
    uint32_t events;
    uint64_t data;
};

/* Of an inotify: a watch, and behind it the path. */
struct checkpoint_notify {
    uint32_t number, mask;
    uint32_t path; /* bytes, with the NUL */
    uint32_t reserved;
};

/* The chunk's hash, of a chunk of this number. */
static inline uint64_t checkpoint_chunk_hash(const struct checkpoint_chunk *chunk, uint64_t number) {
    return xxh64(chunk, __builtin_offsetof(struct checkpoint_chunk, hash), number);
}

/* How many zeros follow the contents. */
static inline uint64_t checkpoint_padding(const struct checkpoint_chunk *chunk) {
    return -chunk->stored & 7;
}

/*
 * How a checkpoint is asked for. The command listens at the abstract unix address
 * "\0popcorn-checkpoint-TOKEN" (TOKEN as 8 hexadecimal digits, the address filled with zeros to its full
 * length) and sends the program the run time's own signal (popcorn/control.h) with CHECKPOINT_VALUE(token).
 * The program connects, and each side sees to it that the other is of the same user. Then the command sends
 * an order with the file's descriptor, and gets answers until one of them is the last.
 */
#define CHECKPOINT_VALUE_TAG 0x504f5100UL /* in the upper half of the value */
#define CHECKPOINT_VALUE(token) (CHECKPOINT_VALUE_TAG << 32 | (uint32_t)(token))
#define CHECKPOINT_ADDRESS "popcorn-checkpoint-"
#define CHECKPOINT_ORDER_MAGIC 0x5245445f4b435550ULL
#define CHECKPOINT_EXIT 75 /* how a program ends that was stopped by a checkpoint: EX_TEMPFAIL */

enum checkpoint_order_flags {
    CHECKPOINT_STOP = 1,       /* the program ends afterwards, if the command says so */
    CHECKPOINT_NO_PROGRAM = 2, /* leave the program's file out */
    CHECKPOINT_DROP_SOCKETS = 4,
    CHECKPOINT_DROP_PIPES = 8,
    CHECKPOINT_DROP_FILES = 16, /* everything else that cannot come along */
    CHECKPOINT_DROP_CHILDREN = 32,
    CHECKPOINT_LIVE = 128,   /* memory goes in rounds while the program runs: struct checkpoint_run */
    CHECKPOINT_RELAY = 64,   /* standard output and error stay here even if they are files */
    CHECKPOINT_MEMBER = 256, /* one process of a tree: struct checkpoint_table */
};

/*
 * What a program that has been written, and shall stop, is told: one byte. With CHECKPOINT_WORD_RELAY come
 * three descriptors: an executable, and two that are handed to it. The program's process becomes `popcorn
 * relay FIRST SECOND`, FIRST and SECOND being their numbers: from then on it cannot go on here.
 */
enum checkpoint_word {
    CHECKPOINT_WORD_GO_ON,
    CHECKPOINT_WORD_END,
    CHECKPOINT_WORD_RELAY,
    CHECKPOINT_WORD_NEXT, /* to a member of a tree: the next step */
};
#define CHECKPOINT_WORD_FILES 3

/*
 * All processes of a tree take the same steps, each on CHECKPOINT_WORD_NEXT, and each answers
 * CHECKPOINT_STANDS when it has done so: it looks what cannot come along, and writes its program; its threads
 * stand still; it writes all but memory, when those of all processes stand still. Then one more word lets it
 * write memory. With the words for the first and the third step comes a descriptor: a file of a struct
 * checkpoint_table, what the command knows of all processes' files.
 */
struct checkpoint_known {
    int32_t fd;             /* of the process that is told; -1: any socket that a member has */
    uint16_t standard;      /* 1 + N: it is the same file as the first member's descriptor N; 0: it is not */
    uint16_t same_standard; /* 1 + N: it is that descriptor, or a copy of it */
    uint64_t object;        /* the same for descriptors of one open file; of a socket or pipe: its inode */
    uint64_t holders;       /* by bit of the member's number; of a pipe without both ends, 0 */
};

struct checkpoint_table {
    uint32_t self, children, known;
    uint32_t reserved;
    int32_t child[CHECKPOINT_MEMBERS]; /* ids of the process's children */
    /* struct checkpoint_known follow */
};

/*
 * Between `popcorn restart` and the processes that it makes of a tree, in a file that all of them have: what
 * is not known before all have been made is read when it is.
 */
struct checkpoint_relative {
    int32_t seen, kernel; /* ids */
    int32_t group;        /* as in struct checkpoint_member */
    int32_t socket;       /* of the process, to the first; -1: it has none */
    int32_t first_socket; /* the other end */
};

struct checkpoint_family {
    uint32_t count, reserved;
    struct checkpoint_relative member[CHECKPOINT_MEMBERS];
};

/* On such a socket: one byte, then CHECKPOINT_LEAVE from the first, as from whoever has a program wait; and
 * files, two at most, that go to all of their holders above `owner`. */
struct checkpoint_handed {
    uint32_t kind, owner;
    uint64_t object, other; /* the latter: of a socketpair's second end */
    uint64_t holders;
};

/* The byte of a process that cannot go on, and has said why. */
#define CHECKPOINT_FAILS 'f'

/* The byte that gives a restored program leave to go on, if it was told to wait for one. */
#define CHECKPOINT_LEAVE 'g'

struct checkpoint_order {
    uint64_t magic;
    uint32_t version; /* CHECKPOINT_VERSION */
    uint32_t flags;
};

enum checkpoint_answer_kind {
    CHECKPOINT_CANNOT = 1, /* one thing that cannot come along; more may follow, then CHECKPOINT_FAILED */
    CHECKPOINT_PROGRESS,   /* `done` bytes have been written */
    CHECKPOINT_WRITTEN, /* all of it; if the program shall stop, it waits for a word: enum checkpoint_word */
    CHECKPOINT_FAILED,  /* the last answer: nothing has changed */
    CHECKPOINT_STANDS,  /* of a member of a tree: it waits for CHECKPOINT_WORD_NEXT */
};

struct checkpoint_answer {
    uint32_t kind;
    int32_t error; /* a positive errno, or 0 */
    uint64_t done;
    char text[240];
};

#endif
