/* SPDX-License-Identifier: MIT */
/* A thread's stack is its data stack: there lie the variables and frames whose addresses a program sees. */
#define _GNU_SOURCE
#include "pthread_impl.h"
#include <stdint.h>

uint64_t __popcorn_main_stack(uint64_t *low);

int pthread_getattr_np(pthread_t t, pthread_attr_t *a) {
    uint64_t low;
    *a = (pthread_attr_t){0};
    a->_a_detach = t->detach_state >= DT_DETACHED;
    a->_a_guardsize = t->guard_size;
    a->_a_stackaddr = (uintptr_t)t->stack; /* the highest address, as musl has it */
    a->_a_stacksize = t->stack_size;
    if (!t->stack) {
        a->_a_stackaddr = __popcorn_main_stack(&low);
        a->_a_stacksize = a->_a_stackaddr - low;
    }
    return 0;
}
