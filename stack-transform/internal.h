/* SPDX-License-Identifier: MIT */
/* What the files of stack-transform share: decoded call sites, portable site descriptions, records. */
#ifndef STACK_INTERNAL_H
#define STACK_INTERNAL_H

#include "popcorn/backend.h"
#include "popcorn/sites.h"
#include "popcorn/stack.h"

/* From the pass (abi.h). */
extern const uint32_t __popcorn_func_count;
extern void *const __popcorn_resume[];
extern const char __popcorn_names[];

/* From popcorn-ld. */
extern const char __popcorn_sites[], __popcorn_sites_end[];

/* What is the same of a site on every ISA; unpacked when it is first asked for, kept for good. */
struct site_description {
    uint32_t number;
    uint32_t function;
    uint32_t nslots;  /* of the function's frame image */
    uint32_t nvalues; /* of the site's record */
    uint32_t flags;   /* POPCORN_SITE_... */
    uint16_t slot[];  /* of the frame image, one for each value, ascending */
};

/*
 * A return address with its numbers unpacked: decoded when it is first met and kept for the life of the
 * process, since a stack shows few of them many times.
 */
struct site {
    const struct site *next; /* with the same hash */
    uint64_t return_address;
    const struct site_description *what; /* NULL: the frame image tells which site it is */
    bool image;                          /* the only location is that of the frame image */
    uint16_t cfa_reg;
    int64_t cfa_offset;
    uint32_t nsaved;
    struct popcorn_saved *saved;
    struct popcorn_location *location; /* one for each value, or the image's */
};

/* The walk up a native stack, from call site to call site. */
struct frame_walk {
    struct machine_context context;      /* registers in the frame looked at */
    uint64_t high;                       /* end of the native stack */
    const struct site *site;             /* of its pending call; NULL at machine_base */
    const struct site_description *what; /* of that call */
    const uint64_t *image;               /* its frame image, if it has one */
};

/* A frame image begins with the number of the site that its resume body was entered at; then come the slots.
 */
#define IMAGE_HEAD 1

#define EXIT_ABORTED 134 /* what a shell shows for SIGABRT */

/* The description of a site. NULL if there is none (such as of the landing), or no memory. */
const struct site_description *site_describe(uint32_t number);

/* The site with this return address. 0, -ENOENT if it is none, -EINVAL if its entry is damaged, -ENOMEM. */
int site_find(uint64_t return_address, const struct site **);

/* Number of the function that holds this call site; -1 if it is none, or shared by many sites. */
int stack_function_at(uint64_t return_address);

/*
 * Begins a walk at the caller of the stub that filled `context`. Fails like walk_up(); -EFAULT also if the
 * context is not on the thread's stack.
 */
int walk_begin(struct frame_walk *, const struct popcorn_thread *, const struct machine_context *,
               char reason[STACK_REASON_SIZE]);

/* For stack_init(). */
void walk_init(void);

/* Goes on to the caller of the frame looked at. 0 or a negative errno with a reason. */
int walk_up(struct frame_walk *, char reason[STACK_REASON_SIZE]);

/* Reads the frame's live values, what.nvalues of them. 0, or -EFAULT with a reason. */
int walk_values(const struct frame_walk *, uint64_t *values, char reason[STACK_REASON_SIZE]);

/* A chain of records between two addresses; its landing ends at the higher one. */
struct chain {
    uint8_t *low, *high;
    struct frame_record *outermost;
    uint64_t frames;
    size_t setjmps; /* of them, frames of functions that call setjmp */
};

#define CHAIN_FULL 1

/* As stack_capture(), into the room that the chain has. Also CHAIN_FULL, which is no error: there is too
 * little. */
int chain_capture(struct chain *, const struct popcorn_thread *, const struct machine_context *,
                  uint64_t value, char reason[STACK_REASON_SIZE]);

/* Is this a record of a site of this program, or a landing, and does it end before `end`? */
bool record_sound(const struct frame_record *, const uint8_t *end);

/* Makes the hop buffer at least `bytes` large. Its contents are lost. 0 or -ENOMEM. */
int chain_reserve(struct popcorn_thread *, size_t bytes);

/* Copies a record's values into a frame image; returns the next inner record. */
struct frame_record *__popcorn_enter(struct frame_record *, void *image);

/* The native function that goes on with this record: its resume body, if need be by machine_resume_entry, or
 * the landing. */
void *__popcorn_inner(struct frame_record *);

/* The resume body itself. */
void *resume_body(const struct frame_record *);

/*
 * Makes room for this many resumed functions that call setjmp, before they are rebuilt: then the thread can
 * ask nobody for memory. 0 or -ENOMEM.
 */
int entries_reserve(struct popcorn_thread *, size_t count);

/* Forgets where resumed functions were called from: their frames are gone. */
void entries_clear(struct popcorn_thread *);

/* The native function that ends a chain: returns the landing's value. */
long stack_landing(struct frame_record *);

/* The C half of longjmp (machine.h). */
struct popcorn_jump;
_Noreturn long popcorn_longjmp(const struct machine_context *, struct popcorn_jump *, int value);

/* longjmp to a sound place on another data stack. Comes back with a negative errno if nobody can go there. */
long context_jump(struct popcorn_thread *, const struct machine_context *, const struct popcorn_jump *,
                  int value);

/* Is this the record of a frame that setjmp stored? */
bool jump_area_sound(const struct frame_record *area);

/* Writes such a record and, behind it, a landing that returns `value`. */
void jump_chain_at(struct frame_record *, const struct frame_record *area, uint64_t value);

#define RECORD_HEAD offsetof(struct frame_record, values)

static inline size_t record_size(uint32_t nvalues) {
    return RECORD_HEAD + (size_t)nvalues * sizeof(uint64_t);
}

static inline const struct frame_record *record_behind(const struct frame_record *r) {
    return (const struct frame_record *)((const char *)r + record_size(r->nvalues));
}

static inline struct frame_record *record_inner(struct frame_record *r) {
    return (struct frame_record *)((char *)r + record_size(r->nvalues));
}

#endif
