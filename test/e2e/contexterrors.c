/* SPDX-License-Identifier: MIT */
/* e2e: modes=none,hop,far hop=random:2:7 */
/* Contexts that cannot be entered or left: an error, and the thread goes on where it is. */
#include "e2e.h"

#include <errno.h>
#include <signal.h>
#include <ucontext.h>

static ucontext_t here, there, gone, never;
static char stack[32 * 1024], small[8192];
static int in_handler;

static void report(const char *what, int result) {
    int error = result ? errno : 0;
    sigset_t mask;
    point();
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("%s: %s, mask %d\n", what, error ? strerror(error) : "entered", sigismember(&mask, SIGUSR2));
}

static void comes_back(void) {
    point();
    swapcontext(&there, &here);
    report("second", 0);
    swapcontext(&there, &here);
}

/* Much is live in each frame, little is on the data stack. */
static NOINLINE long grows(long depth, long *outer, long a, long b, long c, long d, long e, long f) {
    long local[2] = {depth, *outer};
    if (depth == 0)
        return swapcontext(&gone, &here) ? errno : 0;
    long error = grows(depth - 1, local, b + 1, c + 2, d + 3, e + 4, f + 5, a + 6);
    require(local[0] == depth && a + b + c + d + e + f >= depth);
    return error;
}

static void does_not_fit(void) {
    long first = 1;
    printf("a stack that is full: %s\n", strerror((int)grows(80, &first, 101, 102, 103, 104, 105, 106)));
}

static NOINLINE void saves(ucontext_t *context) {
    getcontext(context);
    point();
}

static void on_signal(int signal) {
    (void)signal;
    in_handler = swapcontext(&here, &there) ? errno : 0;
}

static void make(ucontext_t *context, void *memory, size_t size, void (*function)(void)) {
    getcontext(context);
    sigaddset(&context->uc_sigmask, SIGUSR2);
    context->uc_stack = (stack_t){.ss_sp = memory, .ss_size = size};
    context->uc_link = &here;
    makecontext(context, function, 0);
}

int main(void) {
#ifndef __popcorn__
    return 0; /* elsewhere, some of this is undefined */
#endif
    report("nothing", setcontext(&never));
    make(&there, small, 100, comes_back);
    report("a tiny stack", swapcontext(&here, &there));
    make(&there, stack, sizeof stack, comes_back);
    report("first", swapcontext(&here, &there));
    saves(&gone);
    make(&there, stack, sizeof stack, comes_back);
    report("again", swapcontext(&here, &there));
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    printf("in a handler: %s\n", strerror(in_handler));
    make(&never, small, sizeof small, does_not_fit);
    report("a small stack", swapcontext(&here, &never));
    report("goes on", swapcontext(&here, &there));
    return 0;
}
