/* SPDX-License-Identifier: MIT */
/*
 * Contexts: several stacks for one thread. They migrate with the program, suspended or not, and may be
 * entered on another ISA, or by another thread, than they were left on. docs/abi.md, "Contexts", says how.
 */
#ifndef _UCONTEXT_H
#define _UCONTEXT_H
#ifdef __cplusplus
extern "C" {
#endif

#include <features.h>

#include <signal.h>

struct __ucontext;
struct __jmp_buf_tag;

/*
 * Saves where the calling thread is: setcontext() comes back here once more. 0. It returns twice, as setjmp()
 * does, and is a macro for that; called through a pointer, it prepares a context for makecontext() alone.
 */
int getcontext(struct __ucontext *);
#define getcontext(context) (_setjmp(__getcontext(context)), 0)

/*
 * Makes a context, which getcontext() has prepared, one that calls a function with so many arguments, at most
 * 32, each an int or of up to 8 bytes, on the stack uc_stack. When it returns, the thread goes on with
 * uc_link or, if that is NULL, ends. The stack must be the caller's until the context is entered no more.
 * Contexts that cannot be made (the stack is too small, there are too many arguments) cannot be entered:
 * EINVAL.
 */
void makecontext(struct __ucontext *, void (*)(), int, ...);

/*
 * Goes on with a context: does not return, or -1 and nothing has happened. errno: EINVAL (it is no context, a
 * thread is on its stack, or the function that saved it has returned), ENOMEM. Contexts on the stack that is
 * left can be entered again, but for one that is left in a signal handler.
 */
int setcontext(const struct __ucontext *);

/*
 * Saves where the calling thread is in the first context and goes on with the second. 0 when somebody goes on
 * with the first, or -1 as setcontext(). Also ENOMEM: no room on the stack for what is kept of its frames;
 * ENOTSUP: a frame on it cannot be captured (it was called through a pointer of a wrong type); EBUSY: in a
 * signal handler.
 */
int swapcontext(struct __ucontext *, const struct __ucontext *);

struct __jmp_buf_tag *__getcontext(struct __ucontext *);
int _setjmp(struct __jmp_buf_tag *) __attribute__((__returns_twice__));

#ifdef __cplusplus
}
#endif
#endif
