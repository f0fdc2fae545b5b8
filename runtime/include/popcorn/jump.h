/* SPDX-License-Identifier: MIT */
/*
 * What libc's jmp_buf holds on every ISA: `unsigned long __jb[POPCORN_JUMP_WORDS]` of musl's struct
 * __jmp_buf_tag begins with this. The machine's words come first, so that a stub finds them at the buffer's
 * own address; the rest has the same place on every ISA.
 */
#ifndef POPCORN_JUMP_H
#define POPCORN_JUMP_H

#include <stdint.h>

#define POPCORN_JUMP_NATIVE_WORDS 26 /* the largest MACHINE_JUMP_WORDS */
#define POPCORN_JUMP_WORDS 34

struct popcorn_jump {
    uint64_t native[POPCORN_JUMP_NATIVE_WORDS]; /* struct machine_jump_state; good in `epoch` only */
    uint64_t epoch;                             /* the thread's, when setjmp was called */
    struct frame_record *area;                  /* the frame's portable record */
    uint64_t base;                              /* lowest address of its data-stack frame: its name */
    uint64_t data_stack;                        /* the data stack pointer */
    uint64_t mask;                              /* signal mask, if it was asked for */
    int32_t mask_saved;
    int32_t pinned;                      /* thread->pinned: a jump out of a signal handler ends its hold */
    const struct popcorn_thread *thread; /* whose epoch it is: contexts take frames to other threads */
    struct popcorn_stack *stack;         /* the data stack that the frame is on */
};

#ifndef __cplusplus
_Static_assert(sizeof(struct popcorn_jump) == POPCORN_JUMP_WORDS * sizeof(uint64_t), "jmp_buf's size is ABI");
#endif

#endif
