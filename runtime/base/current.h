/* SPDX-License-Identifier: MIT */
#ifndef BASE_CURRENT_H
#define BASE_CURRENT_H

#include "machine.h"
#include "popcorn/thread.h"

/* The thread that is calling; NULL before it is set up. */
static inline struct popcorn_thread *popcorn_current(void) {
    char *tcb = machine_thread_pointer();
    return tcb ? *(struct popcorn_thread **)(tcb + POPCORN_TCB_THREAD) : NULL;
}

#endif
