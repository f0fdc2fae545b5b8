/* SPDX-License-Identifier: MIT */
/* What the test programs of the two machines have in common. Every function ends the test when it cannot do
 * its work. */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uapi/popcorn.h>

#define DEVICE "/dev/popcorn"
#define ARENA ((char *)0x1000000000)
#define PAGE 4096u
#define ARENA_PAGES 32768u
#define WORKING_SET 16384u /* pages: 64 MiB */
#define USER 1000u

/* First byte of a program's hash: what the agent of the tests does with it. */
enum agent_word {
    AGENT_ACCEPT = 'a',
    AGENT_REFUSE = 'r',
    AGENT_SLEEP = 's',
    AGENT_DIE = 'd',
    AGENT_WALK = 'w',
    AGENT_LATE = 'l'
};

enum job_kind {
    JOB_ECHO,    /* comes back with `check` inverted */
    JOB_SYSCALL, /* `n` calls of number 1000 with arguments, then back */
    JOB_VERIFY,  /* checks pages [a, a+n) against seed b, writes them with seed c */
    JOB_ADD, /* adds 1 to the 64-bit words at page a (atomically) and b (under the lock at page c), n times */
    JOB_SUM, /* reads n pages from a; b is their sum, c the nanoseconds it took */
    JOB_FILL,         /* writes n pages from a with seed b; c is the nanoseconds it took */
    JOB_EXIT,         /* the thread ends with code n */
    JOB_CRASH,        /* the process dies of a signal */
    JOB_SIGNAL,       /* waits for SIGUSR1 in a system call; b is the value that came with it */
    JOB_SLEEP,        /* writes page a, tells so by a system call, and never comes back */
    JOB_HOP,          /* goes on to node `check`, there as VERIFY; if that is refused, result is the error */
    JOB_ROUND,        /* reads the 64-bit word at page a until it is odd, adds 1, n times */
    JOB_SCATTER,      /* scatter(), from seed b to seed c */
    JOB_BENCH_FAULTS, /* the pad is a struct bench_job */
    JOB_BENCH_BULK,   /* the same */
};

/* What a job of bench.c touches, and what it measures beside. */
struct bench_job {
    uint64_t first;  /* page */
    uint64_t size;   /* bytes that come back in a bare exchange */
    uint32_t origin; /* its IPv4 address, as inet_addr() has it */
    uint32_t write;
};

struct job {
    uint32_t kind, n;
    uint64_t a, b, c;
    uint32_t result; /* 0: good */
    uint32_t check;
    uint8_t pad[256];
};

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void check(bool good, const char *what); /* fail() unless good */
uint64_t now_ns(void);
unsigned patience(void);                   /* how many times as long as elsewhere things may take here */
unsigned at_most(unsigned seconds);        /* of 500 of a machine's: as large a part of this one's */
unsigned timeout_ms(void);                 /* the module's */
uint64_t *word(uint64_t page, unsigned n); /* 64-bit word n of a page of the arena */
uint64_t pattern(uint64_t seed, uint64_t n);
void fill_pages(uint64_t first, uint64_t count, uint64_t seed);
uint64_t wrong_words(uint64_t first, uint64_t count, uint64_t seed);
/* As many pages among the first WORKING_SET, in an order of chance: checks a word of seed `from`, writes
 * `to`'s. */
uint64_t scatter(uint64_t count, uint64_t from, uint64_t to);
void lock_word(uint64_t *lock);
void unlock_word(uint64_t *lock);
long stat_value(const char *name); /* a line of debugfs popcorn/stats; root only */
int device_open(void);
unsigned node_state(unsigned nid);
void wait_node(unsigned nid, unsigned state);

/* A program at home here, with its arena mapped. */
int program_open(enum agent_word word);
/* Sends the calling thread; 0 or an errno. */
int hop(int fd, unsigned nid, const struct job *job);
/*
 * Serves until the thread comes back, or something else ends it, or it makes call 2000 (answered when this is
 * called again): POPCORN_EVENT_...
 */
unsigned serve(int fd, struct job *job, int64_t *result);
/* There, and back; returns the job's result. */
uint32_t round_trip(int fd, unsigned nid, struct job *job);

int agent_main(void);
void *job_thread(void *start); /* a remote thread: struct remote_start */

struct remote_start {
    int fd;
    unsigned home;
    struct popcorn_key key;
    bool late; /* the thread comes when the origin's time is nearly or just over */
};

/* bench.c */
int answer_main(void);
int bench_main(unsigned nid, const char *there, const char *here);
void bench_faults(const struct bench_job *bench);
void bench_bulk(const struct bench_job *bench);
/* Messages of the idle module in this time, both ways, and nanoseconds of its threads; root only. */
void measure_idle(unsigned seconds, uint64_t *keepalives, uint64_t *others, uint64_t *cpu_ns);

int tests_main(int argc, char **argv);
int fuzz_main(unsigned messages);
int liar_main(unsigned seconds);
int starve_main(unsigned nid, const char *where, const char *kind);
int starve_load_main(const char *command);
int travellers_main(unsigned nid);
int walk_main(unsigned nid, unsigned seconds);
_Noreturn void walk_remote(int fd, unsigned home);

#endif
