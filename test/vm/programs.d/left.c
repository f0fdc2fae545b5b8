/* SPDX-License-Identifier: MIT */
/* Leaves memory on the other machine, waits until the file that it is given is there, and writes that memory.
 */
#include <popcorn/migrate.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SIZE 1000000

int main(int argc, char **argv) {
    static char text[SIZE];
    migrate(1, NULL, NULL);
    memset(text, 'x', SIZE);
    migrate(0, NULL, NULL);
    puts("ready");
    fflush(stdout);
    while (argc > 1 && access(argv[1], F_OK))
        usleep(1000);
    return write(STDOUT_FILENO, text + SIZE / 2, 1) != 1;
}
