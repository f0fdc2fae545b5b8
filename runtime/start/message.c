/* SPDX-License-Identifier: MIT */
#include "node/nodes.h"
#include "popcorn/backend.h"
#include "popcorn/stack.h"
#include "syscall/kernel.h"
#include "syscall/syscall.h"

#define STANDARD_ERROR 2

void popcorn_message(const char *message) {
    size_t length = 0;
    while (message[length])
        length++;
    struct kernel_vector line[] = {{"popcorn: ", 9}, {message, length}, {"\n", 1}};
    KERNEL(NR_writev, STANDARD_ERROR, line, 3);
}

void popcorn_fatal(const char *message, int code) {
    popcorn_message(message);
    if (!nodes_at_origin && popcorn_current())
        __popcorn_syscall(NR_exit_group, code, 0, 0, 0, 0, 0);
    if (nodes_at_origin)
        nodes_end();
    KERNEL(NR_exit_group, code);
    __builtin_trap();
}
