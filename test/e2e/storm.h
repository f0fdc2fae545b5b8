/* SPDX-License-Identifier: MIT */
/* For the programs in which signals storm. */
#ifndef STORM_H
#define STORM_H

#include "e2e.h"

#include <signal.h>

/* Points in nested calls; what lies on the stack stays what it is. */
NOINLINE static uint64_t work(uint64_t x, int depth) {
    volatile uint64_t local[20];
    for (int i = 0; i < 20; i++)
        local[i] = x + (uint64_t)i;
    point();
    uint64_t below = depth ? work(x * 31 + 7, depth - 1) : x;
    for (int i = 0; i < 20; i++)
        require(local[i] == x + (uint64_t)i);
    return below ^ local[7];
}

static void handle(int signal, void (*function)(int), int flags) {
    struct sigaction action = {.sa_handler = function, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    require(sigaction(signal, &action, NULL) == 0);
}

#endif
