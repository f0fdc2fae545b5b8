/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:3:7 */
/* What a handler is told, and what it may change: siginfo_t, ucontext_t, the alternate stack. */
#include "e2e.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#define SIZE 16384

static char stacks[2][SIZE], *page;
static volatile sig_atomic_t seen;
static siginfo_t info;
static stack_t in_handler, in_context;
static int change_errno, inside, sibling_blocked, own_blocked, block_on_return;

static void note(int signal, siginfo_t *i, void *context) {
    ucontext_t *interrupted = context;
    stack_t other = {.ss_sp = stacks[1], .ss_size = SIZE};
    sigset_t now;
    char here;
    seen = signal;
    info = *i;
    in_context = interrupted->uc_stack;
    inside = &here > stacks[0] && &here < stacks[0] + SIZE;
    sigaltstack(NULL, &in_handler);
    change_errno = sigaltstack(&other, NULL) ? errno : 0;
    sigprocmask(SIG_BLOCK, NULL, &now);
    own_blocked = sigismember(&now, signal);
    sibling_blocked = sigismember(&now, SIGUSR2);
    if (block_on_return)
        sigaddset(&interrupted->uc_sigmask, SIGHUP);
    if (signal == SIGSEGV)
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void install(int signal, int flags) {
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    require(sigaction(signal, &action, NULL) == 0);
}

static void arm(int flags) {
    stack_t stack = {.ss_sp = stacks[0], .ss_flags = flags, .ss_size = SIZE};
    require(sigaltstack(&stack, NULL) == 0);
}

static void report(const char *what) {
    stack_t now;
    sigset_t mask;
    point();
    sigaltstack(NULL, &now);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("%s: signal %d inside %d, flags %x in the handler, %x in the context, change %d, blocked %d %d\n",
           what, (int)seen, inside, (unsigned)in_handler.ss_flags, (unsigned)in_context.ss_flags,
           change_errno, own_blocked, sibling_blocked);
    printf("  now: stack %d flags %x; SIGHUP %d SIGUSR2 %d\n",
           now.ss_sp == stacks[0] ? 0 : now.ss_sp == stacks[1], (unsigned)now.ss_flags,
           sigismember(&mask, SIGHUP), sigismember(&mask, SIGUSR2));
    seen = 0;
}

static void alternate_stacks(void) {
    stack_t bad = {.ss_sp = stacks[0], .ss_flags = 12, .ss_size = SIZE};
    stack_t small = {.ss_sp = stacks[0], .ss_size = 1000};
    printf("bad %d", sigaltstack(&bad, NULL) ? errno : 0);
    printf(" small %d\n", sigaltstack(&small, NULL) ? errno : 0);
    install(SIGUSR1, 0);
    arm(0);
    raise(SIGUSR1);
    report("without SA_ONSTACK");
    install(SIGUSR1, SA_ONSTACK);
    raise(SIGUSR1);
    report("armed");
    arm((int)SS_AUTODISARM);
    raise(SIGUSR1);
    report("disarms itself");
    arm(SS_DISABLE);
    raise(SIGUSR1);
    report("disabled");
    arm(0);
    block_on_return = 1;
    raise(SIGUSR1);
    block_on_return = 0;
    report("mask changed");
}

static void faults(void) {
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile char *place = page + 100;
    for (int i = 0; i < 4; i++) {
        require(mprotect(page, 4096, i % 2 ? PROT_READ : PROT_NONE) == 0);
        install(SIGSEGV, i == 3 ? SA_ONSTACK | (int)SA_RESETHAND : SA_ONSTACK);
        point();
        *place = (char)(i + 5);
        printf("address %d code %d wrote %d\n", (char *)info.si_addr == place, info.si_code, *place);
        report("fault");
    }
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    printf("reset %d\n", now.sa_handler == SIG_DFL);
}

static void kinds(void) {
    install(SIGCHLD, SA_RESTART);
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    while (waitpid(child, &status, 0) < 0)
        ;
    while (seen != SIGCHLD)
        point();
    printf("child: pid %d uid %d status %d code %d\n", info.si_pid == child, info.si_uid == getuid(),
           info.si_status, info.si_code);

    union sigval value = {.sival_ptr = stacks};
    install(SIGRTMIN, 0);
    point();
    sigqueue(getpid(), SIGRTMIN, value);
    printf("queue: value %d code %d pid %d\n", info.si_value.sival_ptr == stacks, info.si_code,
           info.si_pid == getpid());
    kill(getpid(), SIGRTMIN);
    printf("kill: code %d pid %d\n", info.si_code, info.si_pid == getpid());
    seen = 0;

    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value = value};
    struct itimerspec soon = {{0, 0}, {0, 1000000}};
    require(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0);
    while (!seen)
        point();
    printf("timer: value %d code %d overrun %d\n", info.si_value.sival_ptr == stacks, info.si_code,
           info.si_overrun);
    timer_delete(timer);

    int ends[2];
    install(SIGIO, 0);
    require(pipe(ends) == 0);
    fcntl(ends[0], F_SETOWN, getpid());
    fcntl(ends[0], F_SETSIG, SIGIO);
    fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK);
    seen = 0;
    require(write(ends[1], "x", 1) == 1);
    while (!seen)
        point();
    printf("io: fd %d band %ld code %d\n", info.si_fd == ends[0], info.si_band, info.si_code);
}

static void *in_thread(void *data) {
    stack_t now;
    (void)data;
    point();
    sigaltstack(NULL, &now);
    printf("a thread begins with flags %d size %d\n", now.ss_flags, (int)now.ss_size);
    return NULL;
}

int main(void) {
    pthread_t thread;
    alternate_stacks();
    require(pthread_create(&thread, NULL, in_thread, NULL) == 0);
    pthread_join(thread, NULL);
    faults();
    kinds();
    return 0;
}
