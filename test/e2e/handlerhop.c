/* SPDX-License-Identifier: MIT */
/* e2e: hop=every:3 modes=none,self,hop,same,far */
/* A signal handler stays where it is: migrate() refuses there, points are passed over; afterwards all is as
 * before. */
#include "e2e.h"

#include <errno.h>
#include <signal.h>

static volatile int calls, moved, not_refused;

static int here(void) {
#ifdef __popcorn__
    return current_nid();
#else
    return 0;
#endif
}

static void on_signal(int sig) {
    int before = here();
    (void)sig;
    calls++;
    for (int i = 0; i < 10; i++)
        point();
    moved += here() != before;
#ifdef __popcorn__
    int other = before ? 0 : 1;
    if (node_available(other) && getenv("POPCORN_NODES"))
        not_refused += migrate(other, NULL, NULL) != -EBUSY || here() != before;
#endif
}

int main(void) {
    int visited = 0;
    signal(SIGUSR1, on_signal);
    for (int i = 0; i < 30; i++) {
        int before = here();
        raise(SIGUSR1);
        require(here() == before);
        point();
        visited |= 1 << here();
    }
    require(!getenv("POPCORN_NODES") || visited == 7);
    printf("calls %d, moved %d, not refused %d\n", calls, moved, not_refused);
    return 0;
}
