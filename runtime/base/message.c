/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>

#include "base/current.h"
#include "base/home.h"
#include "base/kernel.h"
#include "base/message.h"

#define STANDARD_ERROR 2
#define LAST_SECONDS 5

void popcorn_message(const char *message) {
    size_t length = 0;
    while (message[length])
        length++;
    struct kernel_vector line[] = {{"popcorn: ", 9}, {message, length}, {"\n", 1}};
    KERNEL(NR_writev, STANDARD_ERROR, line, 3);
}

void message_last(const char *message) {
    static atomic_int first;
    int self = (int)KERNEL(NR_gettid), none = 0;
    if (atomic_compare_exchange_strong(&first, &none, self))
        popcorn_message(message);
    else if (none != self)
        for (int i = 0; i < LAST_SECONDS; i++) { /* (a signal may cut one short) */
            struct kernel_time second = {1, 0};
            KERNEL(NR_nanosleep, &second, 0);
        }
}

void popcorn_fatal(const char *message, int code) {
    const long argument[6] = {code};
    struct popcorn_thread *thread = popcorn_current();
    message_last(message);
    if (home_here)
        home->end();
    else if (thread)
        home->call(thread, NR_exit_group, argument);
    KERNEL(NR_exit_group, code);
    __builtin_trap();
}
