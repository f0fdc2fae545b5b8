/* SPDX-License-Identifier: MIT */
#include "context.h"

int swapcontext(ucontext_t *from, const ucontext_t *to) {
    volatile int back = 0;
    _setjmp(__begin_context(from));
    if (back)
        return 0;
    back = 1;
    return __enter_context(to, CONTEXT_SWAP, &from->uc_sigmask);
}
