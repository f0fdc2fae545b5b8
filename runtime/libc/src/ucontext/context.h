/* SPDX-License-Identifier: MIT */
/* What the functions of <ucontext.h> share, and what the run time does for them (stack-transform/context.c).
 */
#ifndef CONTEXT_H
#define CONTEXT_H

#include <ucontext.h>

/* Whether somebody may come back to the stack that is left. */
enum context_leaving { CONTEXT_SWAP, CONTEXT_SET, CONTEXT_END };

/*
 * Makes a stack of this memory, on which start(argument) will be called. What is returned lies at its top.
 * NULL if there is no room.
 */
void *__popcorn_make_stack(void *memory, size_t size, void (*start)(void *), void *argument);

/* Goes on at `jump` or, if `made` is not NULL, on that stack. A negative errno, or does not come back. */
long __popcorn_set_context(const void *jump, void *made, long leaving);

/* What getcontext() does before its setjmp, but for the signal mask. */
struct __jmp_buf_tag *__begin_context(ucontext_t *);

/* As setcontext(); `mask`, if not NULL, is what the signal mask was before. */
int __enter_context(const ucontext_t *, enum context_leaving, sigset_t *mask);

#endif
