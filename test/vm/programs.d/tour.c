/* SPDX-License-Identifier: MIT */
/* Round three machines, without going home in between, and memory of each is used on the next. */
#include <popcorn/migrate.h>
#include <stdio.h>
#include <stdlib.h>

#define MACHINES 3
#define NUMBERS 5000

/* What the machine before has left, changed. */
static long work(unsigned *numbers, int round, int node) {
    long sum = 0;
    for (int i = 0; i < NUMBERS; i++) {
        numbers[i] = numbers[i] * 1664525 + (unsigned)(round * MACHINES + node);
        sum += numbers[i] >> 16;
    }
    return sum;
}

int main(void) {
    unsigned *numbers = calloc(NUMBERS, sizeof *numbers);
    if (!numbers)
        return 1;
    for (int round = 0; round < 3; round++)
        for (int step = 1; step <= MACHINES; step++) {
            int node = step % MACHINES;
            int r = migrate(node, NULL, NULL);
            if (r || current_nid() != node)
                fprintf(stderr, "to node %d: %d; now on node %d\n", node, r, current_nid());
            printf("round %d, node %d: %ld\n", round, node, work(numbers, round, node));
        }
    free(numbers);
    return 0;
}
