/* SPDX-License-Identifier: MIT */
/* What the files of checkpoint/ share. */
#ifndef CHECKPOINT_INTERNAL_H
#define CHECKPOINT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/kernel.h"
#include "base/private.h"
#include "base/text.h"
#include "checkpoint/checkpoint.h"
#include "popcorn/checkpoint.h"
#include "popcorn/control.h"

#define LINE_SIZE sizeof((struct checkpoint_answer *)0)->text

/*
 * stream.c: a checkpoint being written. The first error is kept, and nothing is written after it.
 */
struct stream {
    int fd;
    long error; /* 0 or a negative errno */
    uint64_t offset, number;
    void (*progress)(struct stream *); /* NULL, or called after each chunk */
    void *asked;                       /* progress's */
    uint64_t told;
};

void stream_head(struct stream *);
void stream_put(struct stream *, enum checkpoint_kind, uint64_t where, const void *bytes, uint64_t size);
/* The same of two pieces. */
void stream_put2(struct stream *, enum checkpoint_kind, uint64_t where, const void *first,
                 uint64_t first_size, const void *second, uint64_t second_size);
/* Any number of bytes of a file, in as many chunks as it takes. */
void stream_file(struct stream *, enum checkpoint_kind, int file, uint64_t size);
void stream_end(struct stream *);

/*
 * gather.c: all threads come together and stand still. 0, or a negative errno with a line that says who did
 * not come; then all go on.
 */
int gather(char line[LINE_SIZE]);
void gather_release(void);
/* Of a thread that stands still: its signal mask, and the signals that wait for it alone. */
struct gathered {
    uint64_t mask, pending;
};
struct gathered gathered_signals(const struct popcorn_thread *);

/*
 * files.c: the files of the process.
 */
struct file_list {
    struct open_file *file;
    uint32_t count, capacity;
    uint32_t flags; /* enum checkpoint_order_flags */
    int except;     /* a descriptor of the checkpoint's own */
    bool running; /* so is the program: what it closes meanwhile is no obstacle, and nothing of it is touched
                   */
    /* Told of each thing that cannot come along, one line. */
    void (*cannot)(const char *line, void *state);
    void *state;
    uint32_t lost; /* how many of those there are */
};

/* Looks at every descriptor. 0, or a negative errno. */
int files_list(struct file_list *);
void files_write(const struct file_list *, struct stream *);
void files_free(struct file_list *);

/* write.c: everything but memory and the end. */
void write_process(struct stream *, bool program_inside, uint64_t program_size, const uint8_t digest[32]);
/* The signals that the last write_process() found waiting for the process. */
uint64_t written_pending(void);
void write_threads(struct stream *);
/* Those of timer_create(), but for what stays behind: by the clock of another process, or of a thread. */
void write_timers(struct stream *);
bool has_lost_timer(void);
long write_memory(struct stream *);

#endif
