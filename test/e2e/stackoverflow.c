/* SPDX-License-Identifier: MIT */
/* e2e: self=every:50021@self hop=every:50021 min=2 stack=1024 limit=120 */
/* e2e: args=survive */
/* e2e: args=die */
/* e2e: args=dieshallow */
/* e2e: args=unprepared */
/* Recursion without end ends in SIGSEGV on the alternate stack, whichever stack of ours it fills; the program
 * goes on by siglongjmp, or dies of it. */
#include "e2e.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#define ROUNDS 2

static __thread sigjmp_buf recover;
static __thread char *alternate, *top;
static __thread int handled;
static volatile int never;

/* With something on the data stack in each frame. */
static NOINLINE long with_locals(long depth, long *outer) {
    long here[3] = {depth, outer ? *outer : 0, 1};
    point();
    long below = never ? 0 : with_locals(depth + 1, here);
    return below + here[depth % 3];
}

/* With nothing there: it fills the native stack, which is large in threads. */
static NOINLINE long without_locals(long depth) {
    long below = never ? 0 : without_locals(depth + 1);
    return below * 3 + depth;
}

static NOINLINE long calls_the_system(long depth) {
    sigset_t set;
    sigemptyset(&set);
    if (depth % 512 == 0)
        sigprocmask(SIG_BLOCK, &set, NULL);
    long below = never ? 0 : calls_the_system(depth + 1);
    return below * 3 + depth + sigismember(&set, SIGINT);
}

static void on_fault(int signal, siginfo_t *info, void *context) {
    ucontext_t *interrupted = context;
    char here, *address = info->si_addr;
    require(signal == SIGSEGV && info->si_signo == SIGSEGV && info->si_code > 0);
    require(&here > alternate && &here < alternate + SIGSTKSZ);
    require(address < top && top - address < 1L << 30);
    require(interrupted->uc_stack.ss_sp == alternate && interrupted->uc_stack.ss_size == SIGSTKSZ);
    require(!sigismember(&interrupted->uc_sigmask, SIGSEGV) &&
            sigismember(&interrupted->uc_sigmask, SIGUSR2));
    handled++;
    siglongjmp(recover, 1);
}

static void prepare(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {.ss_size = SIGSTKSZ};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    stack.ss_sp = alternate = malloc(SIGSTKSZ);
    require(sigaltstack(&stack, NULL) == 0);
    require(sigaction(SIGSEGV, &action, NULL) == 0);
}

static void overflow(int kind) {
    long base = 1;
    if (sigsetjmp(recover, 1) == 0) {
        if (kind == 0)
            printf("not reached %ld\n", with_locals(0, &base));
        else if (kind == 1)
            printf("not reached %ld\n", without_locals(0));
        else
            printf("not reached %ld\n", calls_the_system(0));
    }
}

/* How programs tell an overflow of the first thread's stack from other faults. */
static void nothing_below(void) {
    pthread_attr_t attributes;
    void *low;
    size_t size;
    unsigned char resident;
    require(pthread_getattr_np(pthread_self(), &attributes) == 0);
    require(pthread_attr_getstack(&attributes, &low, &size) == 0);
    pthread_attr_destroy(&attributes);
    require(mincore((char *)low - 4096, 4096, &resident) == -1 && errno == ENOMEM);
}

static void *survive(void *data) {
    char here;
    top = &here;
    prepare();
    if (!data)
        nothing_below();
    for (int i = 0; i < ROUNDS; i++)
        for (int kind = 0; kind < 3; kind++) {
            if (kind == 1 && (i || data))
                continue;
            sigset_t set;
            overflow(kind);
            point();
            pthread_sigmask(SIG_BLOCK, NULL, &set);
            require(!sigismember(&set, SIGSEGV) && sigismember(&set, SIGUSR2));
        }
    printf("%s handled %d\n", data ? "thread" : "main", handled);
    return NULL;
}

static void on_own_stack(int signal) {
    (void)signal;
    puts("not reached");
    fflush(stdout);
}

int main(int argc, char **argv) {
    long base = 1;
    const char *what = argc > 1 ? argv[1] : "survive";
    puts(what);
    fflush(stdout);
    for (int i = 0; i < 5; i++)
        point();
    if (strcmp(what, "die") == 0)
        return (int)with_locals(0, &base);
    if (strcmp(what, "dieshallow") == 0)
        return (int)without_locals(0);
    if (strcmp(what, "unprepared") == 0) {
        signal(SIGSEGV, on_own_stack);
        return (int)with_locals(0, &base);
    }
    pthread_t thread;
    pthread_attr_t attributes;
    survive(NULL);
    pthread_attr_init(&attributes);
    require(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
    require(pthread_create(&thread, &attributes, survive, &attributes) == 0);
    pthread_join(thread, NULL);
    return 0;
}
