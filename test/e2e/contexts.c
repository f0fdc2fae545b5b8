/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:20:7 */
/* getcontext, makecontext, setcontext, swapcontext: coroutines that hop running and suspended, are handed
 * from thread to thread, freed while suspended, and end by uc_link. */
#include "e2e.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK (32 * 1024)
#define MANY 40

struct coroutine {
    ucontext_t here, caller;
    char *stack;
    int value, done;
};

static struct coroutine *current;

static void yield(int value) {
    struct coroutine *self = current;
    self->value = value;
    require(swapcontext(&self->here, &self->caller) == 0);
}

static int resume(struct coroutine *c) {
    struct coroutine *before = current;
    current = c;
    require(swapcontext(&c->caller, &c->here) == 0);
    current = before;
    return c->value;
}

static void make(struct coroutine *c, void (*function)(int, int), int a, int b) {
    memset(c, 0, sizeof *c);
    c->stack = malloc(STACK);
    require(getcontext(&c->here) == 0);
    c->here.uc_stack.ss_sp = c->stack;
    c->here.uc_stack.ss_size = STACK;
    c->here.uc_link = &c->caller;
    makecontext(&c->here, (void (*)(void))function, 2, a, b);
}

/* A tree's leaves from within a recursion: frames of many depths are suspended. */
static NOINLINE int walk(int depth, int path, double weight, int *leaves) {
    int mine[2] = {depth, path};
    point();
    if (depth == 0) {
        ++*leaves;
        yield(path);
        return 1;
    }
    int left = walk(depth - 1, path * 2, weight * 0.5, leaves);
    int right = walk(depth - 1, path * 2 + 1, weight * 1.5, leaves);
    require(mine[0] == depth && mine[1] == path && weight > 0);
    return left + right;
}

static void tree(int depth, int salt) {
    struct coroutine *self = current;
    int leaves = 0;
    int sum = walk(depth, 1, 1.0 + salt, &leaves);
    require(sum == leaves && sum == 1 << depth);
    self->done = salt;
}

static void generators(void) {
    static struct coroutine all[MANY];
    uint64_t hash = 0;
    for (int i = 0; i < MANY; i++)
        make(&all[i], tree, 1 + i % 4, i + 1);
    for (int round = 0, live = MANY; live; round++) {
        live = 0;
        for (int i = 0; i < MANY; i++) {
            if (!all[i].stack)
                continue;
            int value = resume(&all[i]);
            point();
            if (all[i].done || round > 12) { /* it has ended, or is freed while it is suspended */
                require(all[i].done == 0 || all[i].done == i + 1);
                memset(all[i].stack, 0x5a, STACK);
                free(all[i].stack);
                all[i].stack = NULL;
            } else {
                hash = hash * 31 + (uint64_t)value;
                live++;
            }
        }
    }
    printf("generators %llu\n", (unsigned long long)hash);
}

/* As in the manual: loops by setcontext on one stack, and values in memory stay. */
static void loops(void) {
    static ucontext_t again;
    volatile int count = 0;
    getcontext(&again);
    point();
    if (++count < 5)
        setcontext(&again);
    printf("loops %d\n", (int)count);
}

/* Left by setcontext, come back to by a context that getcontext saved in an outer frame. */
static ucontext_t outer_place, inner_place;
static char one_stack[STACK], other_stack[STACK];

static void goes_back(void) {
    point();
    setcontext(&outer_place);
}

static NOINLINE int left_and_entered(int salt) {
    volatile int state = 0;
    int local[3] = {salt, salt + 1, salt + 2};
    getcontext(&outer_place);
    point();
    if (state++ == 0) {
        getcontext(&inner_place);
        inner_place.uc_stack = (stack_t){.ss_sp = one_stack, .ss_size = sizeof one_stack};
        inner_place.uc_link = NULL;
        makecontext(&inner_place, goes_back, 0);
        setcontext(&inner_place);
        puts("not reached");
    }
    return local[0] + local[1] + local[2] + state;
}

/* Many arguments, pointers among them, the signal mask, and two contexts that go to each other. */
static ucontext_t first, second, last;

static void ping(int a, int b, unsigned c, int d, int e, int f, int g, int h, int i, int j) {
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("ping %d %d %u %d %d %d %d %d %d %d mask %d\n", a, b, c, d, e, f, g, h, i, j,
           sigismember(&mask, SIGUSR1));
    for (int k = 0; k < 3; k++) {
        point();
        printf("ping %d\n", k);
        swapcontext(&first, &second);
    }
}

static void pong(void) {
    for (int k = 0;; k++) {
        sigset_t mask;
        sigprocmask(SIG_BLOCK, NULL, &mask);
        printf("pong %d mask %d\n", k, sigismember(&mask, SIGUSR1));
        point();
        swapcontext(&second, &first);
    }
}

static void to_each_other(void) {
    getcontext(&first);
    getcontext(&second);
    sigaddset(&first.uc_sigmask, SIGUSR1);
    first.uc_stack = (stack_t){.ss_sp = one_stack, .ss_size = sizeof one_stack};
    second.uc_stack = (stack_t){.ss_sp = other_stack, .ss_size = sizeof other_stack};
    first.uc_link = &last;
    makecontext(&first, (void (*)(void))ping, 10, 1, -2, 3u, 4, -5, 6, -7, 8, -9, 10);
    makecontext(&second, pong, 0);
    require(swapcontext(&last, &first) == 0);
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("back, mask %d\n", sigismember(&mask, SIGUSR1));
}

/* setjmp and longjmp within a coroutine that is suspended between them. */
static void jumps(int a, int b) {
    struct coroutine *self = current;
    jmp_buf place;
    volatile int times = 0;
    int got = setjmp(place);
    yield(100 + got + a);
    if (++times < 4)
        longjmp(place, times * b);
    self->done = 1;
}

static void jumping(void) {
    struct coroutine c;
    make(&c, jumps, 1, 10);
    for (int value = resume(&c); !c.done; value = resume(&c)) {
        point();
        printf("jumps %d\n", value);
    }
    free(c.stack);
}

/* Coroutines that makecontext makes and setjmp and longjmp switch between, as some libraries do for speed. */
static jmp_buf main_place, far_place;

static void switches(int rounds, int salt) {
    int local[2] = {rounds, salt};
    for (volatile int i = 0; i < rounds; i++) {
        int got = setjmp(far_place);
        point();
        if (got == 0)
            longjmp(main_place, 10 + i);
        printf("far %d %d\n", got, local[1]);
    }
    longjmp(main_place, 1);
}

static void switching(void) {
    getcontext(&first);
    first.uc_stack = (stack_t){.ss_sp = one_stack, .ss_size = sizeof one_stack};
    makecontext(&first, (void (*)(void))switches, 2, 4, 77);
    volatile int turns = 0;
    int got = setjmp(main_place);
    point();
    printf("near %d\n", got);
    if (got == 0)
        swapcontext(&last, &first);
    if (got != 1)
        longjmp(far_place, 20 + turns++);
}

/* A coroutine that each of several threads takes a step further. */
static void steps(int n, int unused) {
    struct coroutine *self = current;
    (void)unused;
    for (int i = 0; i < n; i++) {
        self->value = i;
        point();
        swapcontext(&self->here, &self->caller);
    }
    self->done = 1;
}

static void *take_a_step(void *data) {
    struct coroutine *c = data;
    point();
    swapcontext(&c->caller, &c->here);
    point();
    return NULL;
}

static void handed_over(void) {
    struct coroutine c;
    make(&c, steps, 5, 0);
    current = &c;
    while (!c.done) {
        pthread_t thread;
        require(pthread_create(&thread, NULL, take_a_step, &c) == 0);
        pthread_join(thread, NULL);
        printf("handed over %d%s\n", c.value, c.done ? ", done" : "");
    }
    free(c.stack);
}

/* A coroutine that fails is left for good, in the handler of its fault. */
static void on_fault(int signal) {
    require(signal == SIGSEGV);
    setcontext(&last);
}

static void fails(int depth) {
    volatile int local = depth;
    point();
    if (depth)
        fails(depth - 1);
    else
        *(volatile int *)64 = 1;
    require(local == depth);
}

static void failing(void) {
    static char alternate[32 * 1024];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    require(sigaltstack(&stack, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
    for (int i = 0; i < 4; i++) {
        sigset_t mask;
        getcontext(&first);
        first.uc_stack = (stack_t){.ss_sp = one_stack, .ss_size = sizeof one_stack};
        makecontext(&first, (void (*)(void))fails, 1, i);
        require(swapcontext(&last, &first) == 0);
        point();
        sigprocmask(SIG_BLOCK, NULL, &mask);
        printf("failed %d, mask %d\n", i, sigismember(&mask, SIGSEGV));
    }
}

/* Without uc_link the thread ends. */
static void *ends(void *data) {
    static ucontext_t context;
    (void)data;
    getcontext(&context);
    context.uc_stack = (stack_t){.ss_sp = one_stack, .ss_size = sizeof one_stack};
    context.uc_link = NULL;
    makecontext(&context, (void (*)(void))pthread_exit, 1, NULL);
    setcontext(&context);
    return "not reached";
}

int main(void) {
    pthread_t thread;
    generators();
    loops();
    printf("left and entered %d\n", left_and_entered(7));
    to_each_other();
    jumping();
    switching();
    handed_over();
    failing();
    void *result = &thread;
    require(pthread_create(&thread, NULL, ends, NULL) == 0);
    pthread_join(thread, &result);
    printf("ended %d\n", result == NULL);
    return 0;
}
