/* SPDX-License-Identifier: MIT */
/* e2e: modes=api expected */
/* e2e: args=/does/not/exist */
/* e2e: args=/dev/null */
/* e2e: args=/etc/passwd */
/* migrate_schedule() without a schedule that can be used. */
#include "e2e.h"

#ifndef __popcorn__
int main(void) {
    return 0;
}
#else
#include <errno.h>

int main(int argc, char **argv) {
    require(argc == 2 && migrate(1, NULL, NULL) == 0);
    setenv("POPCORN_THREAD_SCHEDULE", argv[1], 1);
    int answer = migrate_schedule(0, 0, NULL, NULL);
    if (!strcmp(argv[1], "/dev/null")) /* no line: to the origin */
        require(answer == 0 && current_nid() == 0);
    else
        require(answer == (argv[1][1] == 'e' ? -EINVAL : -ENOENT) && current_nid() == 1);
    puts("right");
    return 0;
}
#endif
