/* SPDX-License-Identifier: MIT */
/*
 * A synthetic program on a synthetic machine (isa.h): two functions with call sites, their table, and native
 * stacks made by hand. Its frames:
 *
 *   recurse  48 bytes. Saves RA at CFA-8 and register 3 at CFA-16. Three slots.
 *     site 1, plain body:  slot 0 in register 3, slot 1 in 4 bytes at SP+8, slot 2 the constant 77
 *     site 2, plain body:  slot 1 in 8 bytes at SP+16
 *     site 1, resume body: frame image at SP+0 of a frame of 80 bytes
 *     any site, resume body (the site is in the image): the same
 *   jumper   32 bytes. Saves RA at CFA-8. Calls setjmp; two slots, slot 0 its data-stack base.
 *     site 3, plain body:  slot 0 in 8 bytes at SP+0, slot 1 in register 4
 *     site 4               setjmp's own, in no table
 *     site 3, resume body: frame image at SP+0 of a frame of 64 bytes
 */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <setjmp.h>

#include "internal.h"

#define STACK_WORDS 4096
#define RA_RECURSE_1 (POPCORN_TEXT_BASE + 0x100)
#define RA_RECURSE_2 (POPCORN_TEXT_BASE + 0x120)
#define RA_RECURSE_RESUMED (POPCORN_TEXT_BASE + 0x200)
#define RA_RECURSE_SHARED (POPCORN_TEXT_BASE + 0x240)
#define RA_JUMPER (POPCORN_TEXT_BASE + 0x300)
#define RA_JUMPER_RESUMED (POPCORN_TEXT_BASE + 0x380)
#define REG_SAVED 3
#define REG_OTHER 4

/* The stack under construction, from its end downward; guard pages lie around it. */
struct fake_stack {
    uint64_t *words;
    uint64_t *sp;
    struct machine_context context; /* as the innermost stub would have filled it */
};

extern struct fake_stack stack;
extern struct popcorn_thread thread;
extern struct machine_tcb {
    void *self;
    void *data_stack;
    struct popcorn_thread *thread;
    void *cancel;
} tcb;

/* popcorn-ld's table: the same for all tests, which run in processes of their own. */
extern char table_memory[];

/* Fresh thread and stack. */
void program_begin(void);

/* Frames are pushed outermost first; `ra` is where the function they call returns to. */
void push_outermost(void);
void push_recurse_1(uint64_t in_register, uint32_t in_memory, uint64_t callers_saved);
void push_recurse_2(uint64_t in_memory);
void push_recurse_resumed(uint64_t slot0, uint64_t slot1, uint64_t slot2);
void push_recurse_shared(uint64_t site, uint64_t slot0, uint64_t slot1, uint64_t slot2);
void push_jumper(uint64_t base, uint64_t in_register);

/* The innermost function has called a stub. */
const struct machine_context *finish_stack(void);

/* Where machine_resume_entry is called from. */
extern struct machine_context entered_from;

/* What the machine's functions were asked for; they jump back to `escape` with this. */
enum escape { ESCAPE_RUN = 1, ESCAPE_RESUME_CALL, ESCAPE_JUMP, ESCAPE_FATAL };
extern jmp_buf escape;
extern struct machine_calls {
    void *stack_top;
    long (*fn)(void *);
    void *arg;
    struct machine_context context;
    int value;
    char message[256];
    int landed;
    struct frame_record resumed[8]; /* heads of the records that resume bodies were called with */
    int nresumed;
    uint64_t image[8];
} calls;

long recurse_resume(struct frame_record *);
long jumper_resume(struct frame_record *);

#endif
