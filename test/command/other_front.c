/* SPDX-License-Identifier: MIT */
/* other-front PROG OUT ISA: PROG as a machine of that ISA would have linked it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "popcorn.h"
#include "program.h"

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

int main(int argc, char **argv) {
    struct program program;
    if (argc != 4)
        die("usage: other-front PROG OUT ISA");
    program_open(&program, argv[1]);
    int index = popcorn_container_find(&program.container, argv[3]);
    if (index < 0)
        die("%s has no image for %s", argv[1], argv[3]);
    struct buffer copy = program_with_front(&program, (unsigned)index);
    FILE *out = fopen(argv[2], "w");
    if (!out || fwrite(copy.bytes, 1, copy.size, out) != copy.size || fclose(out) != 0)
        die("cannot write %s", argv[2]);
    buffer_free(&copy);
    return 0;
}
