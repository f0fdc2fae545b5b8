/* SPDX-License-Identifier: MIT */
/*
 * The thread pointer's block (popcorn/abi.h) as a struct, and the one that a process has from its first
 * instruction until libc has made its own: so system calls may look at the block at any time.
 */
#ifndef POPCORN_BOOT_H
#define POPCORN_BOOT_H

#include <stddef.h>
#include <stdint.h>

#include "popcorn/abi.h"

struct machine_block {
    struct machine_block *self;
    void *data_stack;
    struct popcorn_thread *thread;
    uint64_t cancel;
};

_Static_assert(offsetof(struct machine_block, self) == POPCORN_TCB_SELF, "abi.h");
_Static_assert(offsetof(struct machine_block, data_stack) == POPCORN_TCB_DATA_STACK, "abi.h");
_Static_assert(offsetof(struct machine_block, thread) == POPCORN_TCB_THREAD, "abi.h");
_Static_assert(offsetof(struct machine_block, cancel) == POPCORN_TCB_CANCEL, "abi.h");
_Static_assert(sizeof(struct machine_block) == POPCORN_TCB_SIZE, "abi.h");

extern struct machine_block machine_boot_block;

#endif
