/* SPDX-License-Identifier: MIT */
/* setjmp and longjmp: in one place, over hops, nested, over libc frames, with a signal mask. */
#include "e2e.h"

#include <setjmp.h>
#include <signal.h>

static jmp_buf outer, inner;
static sigjmp_buf with_mask;

static NOINLINE void hop_about(int n) {
    for (int i = 0; i < n; i++)
        point();
}

static NOINLINE void deep(int depth, int value) {
    hop_about(1);
    if (depth == 0)
        longjmp(outer, value);
    deep(depth - 1, value);
    puts("not reached");
}

static NOINLINE int rounds(int n) {
    volatile int count = 0;
    int kept = n * 7;
    int value = setjmp(outer);
    count++;
    hop_about(3);
    if (count < n)
        deep(count % 9, value + 2);
    hop_about(1);
    return value * 1000 + count + kept;
}

static NOINLINE int zero_is_one(void) {
    switch (setjmp(outer)) {
    case 0:
        hop_about(2);
        longjmp(outer, 0);
    case 1:
        return 1;
    default:
        return -1;
    }
}

static NOINLINE int nested(void) {
    volatile int steps = 0;
    if (setjmp(outer) == 0) {
        hop_about(1);
        for (int i = 0; i < 5; i++) {
            if (setjmp(inner) == 0) {
                hop_about(2);
                longjmp(inner, 1);
            }
            steps = steps * 2 + 1;
            hop_about(1);
        }
        longjmp(outer, 5);
    }
    hop_about(1);
    return steps;
}

/* As Lua and libpng do: each level sets its own jump, the inner one hands on to the outer. */
static NOINLINE int protected_call(jmp_buf *up, int depth) {
    jmp_buf here;
    volatile int local = depth;
    hop_about(1);
    if (setjmp(here) == 0) {
        hop_about(1);
        if (depth == 0)
            longjmp(here, 1);
        protected_call(&here, depth - 1);
        return -1000;
    }
    hop_about(1);
    if (up) {
        local = local + 1;
        hop_about(1);
        longjmp(*up, 1);
    }
    return local;
}

static int compares;
static int leave_sort(const void *a, const void *b) {
    point();
    if (++compares == 20)
        longjmp(outer, 77);
    return *(const int *)a - *(const int *)b;
}

static NOINLINE int out_of_qsort(void) {
    int v[40];
    for (int i = 0; i < 40; i++)
        v[i] = (i * 17) % 41;
    int value = setjmp(outer);
    if (value == 0) {
        qsort(v, 40, sizeof v[0], leave_sort);
        return -1;
    }
    hop_about(2);
    return value + compares;
}

static NOINLINE void mask(void) {
    sigset_t usr1, now;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
    int value = sigsetjmp(with_mask, 1);
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("mask %d blocked %d\n", value, sigismember(&now, SIGUSR1));
    hop_about(2);
    if (value < 2) {
        sigprocmask(SIG_BLOCK, &usr1, NULL);
        siglongjmp(with_mask, value + 1);
    }
    value = sigsetjmp(with_mask, 0);
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("no mask %d blocked %d\n", value, sigismember(&now, SIGUSR1));
    if (value < 1) {
        hop_about(1);
        sigprocmask(SIG_BLOCK, &usr1, NULL);
        siglongjmp(with_mask, 1);
    }
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

static void handler(int signal) {
    (void)signal;
    siglongjmp(with_mask, 9);
}

static NOINLINE int out_of_handler(void) {
    sigset_t now;
    signal(SIGUSR1, handler);
    hop_about(2);
    int value = sigsetjmp(with_mask, 1);
    if (value == 0) {
        hop_about(3);
        raise(SIGUSR1);
        return -1;
    }
    hop_about(2);
    sigprocmask(SIG_SETMASK, NULL, &now);
    return value * 10 + sigismember(&now, SIGUSR1);
}

/* The jump's target stays right when frames above it came and went. */
static NOINLINE double floats_live(double a, double b) {
    volatile int turns = 0;
    double c = a * b, d = a / b;
    setjmp(outer);
    turns++;
    hop_about(1);
    if (turns < 6)
        deep(turns, turns);
    return c + d * turns;
}

int main(void) {
    printf("rounds %d\n", rounds(30));
    printf("zero %d\n", zero_is_one());
    printf("nested %d\n", nested());
    printf("protected %d\n", protected_call(NULL, 12));
    printf("qsort %d\n", out_of_qsort());
    mask();
    printf("handler %d\n", out_of_handler());
    printf("floats %.4f\n", floats_live(1.5, 2.25));
    return 0;
}
