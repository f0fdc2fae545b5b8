/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:20:7 self=every:3@self min=20 limit=120 */
/* A timer's handler leaves by siglongjmp at any moment, in the middle of a hop too. */
#include "e2e.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#define JUMPS 150

static sigjmp_buf out;
static volatile sig_atomic_t armed, jumps;

static void on_alarm(int sig) {
    (void)sig;
    if (!armed)
        return;
    armed = 0;
    jumps++;
    siglongjmp(out, 1);
}

static NOINLINE uint64_t deep(int depth, uint64_t value) {
    uint64_t local[4] = {value, value * 3, (uint64_t)depth, 7}, *pointer = local;
    if (depth == 0)
        for (;;) {
            point();
            pointer[3] = pointer[3] * 5 + 1;
        }
    uint64_t below = deep(depth - 1, value + pointer[1]);
    return below + pointer[0];
}

static NOINLINE uint64_t turn(int n) {
    volatile uint64_t kept = (uint64_t)n * 0x9e3779b97f4a7c15u;
    uint64_t check = (uint64_t)n * 0x9e3779b97f4a7c15u;
    struct itimerval soon = {{0, 0}, {0, 300 + n * 37 % 1500}};
    if (sigsetjmp(out, 1) == 0) {
        armed = 1;
        require(setitimer(ITIMER_REAL, &soon, NULL) == 0);
        deep(n % 40, check);
    }
    require(kept == check && armed == 0);
    point();
    require(kept == check);
    return kept;
}

int main(void) {
    uint64_t sum = 0;
    signal(SIGALRM, on_alarm);
    for (int i = 0; i < JUMPS; i++)
        sum = sum * 31 + turn(i);
    printf("jumps %d, sum %016llx\n", (int)jumps, (unsigned long long)sum);
    return 0;
}
