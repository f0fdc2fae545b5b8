/* SPDX-License-Identifier: MIT */
/* Reading standard input to its end, by lines and by bytes. */
#include "e2e.h"

#include <unistd.h>

int main(void) {
    char line[256];
    int lines = 0;
    unsigned long sum = 0;
    while (lines < 100 && fgets(line, sizeof line, stdin)) {
        point();
        lines++;
        sum = sum * 31 + strlen(line);
    }
    int byte, bytes = 0;
    while ((byte = getchar()) != EOF) {
        if (bytes++ % 100 == 0)
            point();
        sum = sum * 33 + (unsigned)byte;
    }
    printf("%d lines, %d bytes, %lx, end %d\n", lines, bytes, sum, feof(stdin) != 0);
    return 0;
}
