/* SPDX-License-Identifier: MIT */
/* The popcorn command of the test machines, which have no shared libraries: what concerns machines alone. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "popcorn.h"

void die(const char *format, ...) {
    va_list arguments;
    fputs("popcorn: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "agent") == 0)
        return command_agent(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "nodes") == 0)
        return command_nodes(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "ps") == 0)
        return command_ps(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "migrate") == 0)
        return command_migrate(argc - 1, argv + 1);
    die("no such command here");
}
