/* SPDX-License-Identifier: MIT */
#include "context.h"

#include <errno.h>
#include <fenv.h>
#include <signal.h>

int __enter_context(const ucontext_t *context, enum context_leaving leaving, sigset_t *mask) {
    const mcontext_t *machine = &context->uc_mcontext;
    fenv_t environment;
    sigset_t before;
    if (!mask)
        mask = &before;
    fegetenv(&environment);
    sigprocmask(SIG_SETMASK, &context->uc_sigmask, mask);
    fesetenv((const fenv_t *)machine->__environment);
    long error = __popcorn_set_context(machine->__jump, machine->__made, leaving);
    fesetenv(&environment);
    sigprocmask(SIG_SETMASK, mask, 0);
    errno = (int)-error;
    return -1;
}

int setcontext(const ucontext_t *context) {
    return __enter_context(context, CONTEXT_SET, 0);
}
