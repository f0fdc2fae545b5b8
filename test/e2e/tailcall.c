/* SPDX-License-Identifier: MIT */
/* e2e: self=every:1@self hop=random:40:3 */
/*
 * Calls that must be tail calls: interpreters have one a step, and no stack for it. They keep their word
 * through every hop, also in functions with objects on the data stack, with results of every kind and
 * without.
 */
#include "e2e.h"

#define TAIL __attribute__((musttail))

struct machine {
    const unsigned char *code;
    long steps, limit;
    uint64_t accumulator;
    double sum;
};

typedef uint64_t operation(struct machine *, uint64_t, uint64_t);
static operation add, multiply, rotate, halt;
static operation *const operations[] = {add, multiply, rotate, halt};

#define NEXT(m, a, b) TAIL return operations[*(m)->code++ & 3]((m), (a), (b))

NOINLINE static uint64_t add(struct machine *m, uint64_t a, uint64_t b) {
    m->steps++;
    NEXT(m, a + b, b + 1);
}

NOINLINE static uint64_t multiply(struct machine *m, uint64_t a, uint64_t b) {
    volatile uint64_t local[4] = {a, b};
    point();
    a = local[0] * 3 + local[1];
    m->steps++;
    NEXT(m, a, b ^ a);
}

NOINLINE static uint64_t rotate(struct machine *m, uint64_t a, uint64_t b) {
    for (long i = 0; i < m->limit % 3; i++) {
        point();
        m->sum += (double)i;
    }
    m->steps++;
    NEXT(m, a << 7 | a >> 57, b);
}

NOINLINE static uint64_t halt(struct machine *m, uint64_t a, uint64_t b) {
    if (m->steps++ < m->limit) {
        m->code -= 16;
        NEXT(m, a + 1, b);
    }
    m->accumulator = b;
    return a;
}

/* No result, many arguments, and floating point. */
NOINLINE static void ping(long n, double x, struct machine *m);
NOINLINE static void pong(long n, double x, struct machine *m) {
    point();
    if (!n) {
        m->sum += x;
        return;
    }
    TAIL return ping(n - 1, x * 1.5 - 1, m);
}

NOINLINE static void ping(long n, double x, struct machine *m) {
    char text[32];
    snprintf(text, sizeof text, "%ld", n);
    m->steps += (long)strlen(text);
    TAIL return pong(n, x / 2 + 1, m);
}

int main(void) {
    static const unsigned char code[16] = {0, 1, 2, 0, 0, 1, 1, 2, 4, 5, 6, 0, 1, 2, 0, 3};
    struct machine m = {.code = code, .limit = 3000};
    uint64_t a = add(&m, 1, 2);
    printf("%lx %lx %ld %g\n", (long)a, (long)m.accumulator, m.steps, m.sum);
    ping(500, 3, &m);
    printf("%ld %.17g\n", m.steps, m.sum);
#ifdef DEEP
    m = (struct machine){.code = code, .limit = 20000000};
    printf("%lx\n", (long)add(&m, 1, 2));
#endif
    return 0;
}
