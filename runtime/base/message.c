/* SPDX-License-Identifier: MIT */
#include "base/message.h"
#include "base/current.h"
#include "base/home.h"
#include "base/kernel.h"

#define STANDARD_ERROR 2

void popcorn_message(const char *message) {
    size_t length = 0;
    while (message[length])
        length++;
    struct kernel_vector line[] = {{"popcorn: ", 9}, {message, length}, {"\n", 1}};
    KERNEL(NR_writev, STANDARD_ERROR, line, 3);
}

void popcorn_fatal(const char *message, int code) {
    const long argument[6] = {code};
    struct popcorn_thread *thread = popcorn_current();
    popcorn_message(message);
    if (home_here)
        home->end();
    else if (thread)
        home->call(thread, NR_exit_group, argument);
    KERNEL(NR_exit_group, code);
    __builtin_trap();
}
