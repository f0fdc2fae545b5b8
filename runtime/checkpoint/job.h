/* SPDX-License-Identifier: MIT */
/* A checkpoint to be made, and the thread that makes it. */
#ifndef CHECKPOINT_JOB_H
#define CHECKPOINT_JOB_H

#include "checkpoint/internal.h"
#include "popcorn/sha256.h"

struct job {
    uint32_t flags;       /* enum checkpoint_order_flags */
    struct stream stream; /* its descriptor is among the run time's own */
    void (*answer)(struct job *, enum checkpoint_answer_kind, long error, const char *text);
    /* NULL, or waits for leave to take the next step of those of a tree's member; false: no more are taken.
     */
    bool (*step)(struct job *);
    /* Everything has been written. True if the program shall end now. */
    bool (*keep)(struct job *);
    int socket;              /* of who ordered it, or -1 */
    int folder;              /* where its file will lie, if it is the program's own doing */
    long error;              /* kept by place_tell() */
    _Atomic int32_t *caller; /* NULL, or what popcorn_checkpoint() waits for (popcorn/query.h) */
    uint64_t program_size;
    uint8_t digest[SHA256_BYTES];
};

/* In a helper, one at a time. */
void job_make(struct job *);

/* Runs work(argument) in a native thread of its own, with all signals blocked. Async-signal-safe. */
bool helper_start(void (*work)(uint64_t), uint64_t argument);

/*
 * live.c: memory in rounds. A round writes what has changed since the one before, from where nobody changes
 * it meanwhile; the last one ends the stream. False if there is no memory to remember what has been written.
 */
bool live_begin(void);
/* Before each: notes what is as it was in the last round, which was written by a child. Is that still there?
 */
void live_look(bool child);
void live_write_round(struct stream *);
void live_write_last(struct stream *);
void live_end(void);

/* plan.c: begins to do what POPCORN_CHECKPOINT says; what is wrong in it ends the program. */
void plan_start(char *const *environment);

/* Takes the one place that there is to make a checkpoint: false if it is taken. job_leave() gives it back. */
bool job_enter(void);
void job_leave(void);

#endif
