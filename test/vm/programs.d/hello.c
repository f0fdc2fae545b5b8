/* SPDX-License-Identifier: MIT */
/* The least that hops: there and back, three times, with a local whose address is known to others. */
#include <popcorn/migrate.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    char text[100];
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "round %d of %s", i, argc > 1 ? argv[1] : "nobody");
        migrate(1, NULL, NULL);
        printf("%s on node %d\n", text, current_nid());
        strcat(text, " again");
        migrate(0, NULL, NULL);
        printf("%s on node %d\n", text, current_nid());
    }
    return 0;
}
