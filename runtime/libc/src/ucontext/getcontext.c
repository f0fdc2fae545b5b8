/* SPDX-License-Identifier: MIT */
#include "context.h"

#include <fenv.h>
#include <signal.h>
#include <string.h>

_Static_assert(sizeof(fenv_t) <= sizeof((mcontext_t *)0)->__environment, "ucontext_t has room for fenv_t");

struct __jmp_buf_tag *__begin_context(ucontext_t *context) {
    mcontext_t *machine = &context->uc_mcontext;
    memset(machine, 0, sizeof *machine);
    context->uc_flags = 0;
    fegetenv((fenv_t *)machine->__environment);
    return (struct __jmp_buf_tag *)machine->__jump;
}

struct __jmp_buf_tag *__getcontext(ucontext_t *context) {
    sigprocmask(SIG_BLOCK, 0, &context->uc_sigmask);
    return __begin_context(context);
}

int(getcontext)(ucontext_t *context) {
    __getcontext(context);
    return 0;
}
