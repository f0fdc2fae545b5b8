/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:3:7 */
/* e2e: args=handled */
/* e2e: args=strlen */
/* e2e: args=longjmp */
/* e2e: args=once */
/* e2e: args=trap */
/* e2e: args=sent */
/* Faults on wrong pointers in what is native code of libc and of the run time are the program's: it handles
 * them, or dies of them. */
#include "e2e.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

static sigjmp_buf recover;
static volatile int faults;
static char here[4096];
static char *volatile nowhere, *volatile constant; /* cannot be read; cannot be written */
static volatile long zero, result;

static void on_fault(int signal) {
    (void)signal;
    faults++;
    siglongjmp(recover, 1);
}

static void copy_from(void) {
    memcpy(here, nowhere, sizeof here);
}

static void copy_a_little(void) {
    memcpy(here, nowhere, (size_t)zero + 9);
}

static void copy_to(void) {
    memmove(constant, here, sizeof here);
}

static void set(void) {
    memset(constant, (int)zero, 100);
}

static void measure(void) {
    result = (long)strlen(nowhere);
}

static void compare(void) {
    result = strcmp(here, nowhere);
}

static void compare_memory(void) {
    result = memcmp(nowhere, here, 1000);
}

static void find(void) {
    result = memchr(nowhere, 1, 1000) == here;
}

static void find_pair(void) {
    result = strstr(nowhere, "needle") == here;
}

static void jump(void) {
    longjmp((void *)nowhere, 1);
}

static void trap(void) {
    __builtin_trap();
}

static void catch (int sig, int flags) {
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = flags};
    require(sigaction(sig, &action, NULL) == 0);
}

static void handled(void) {
    static void (*const fault[])(void) = {copy_from, copy_a_little,  copy_to, set,       measure,
                                          compare,   compare_memory, find,    find_pair, jump};
    catch (SIGSEGV, 0);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof fault / sizeof *fault; i++) {
            if (sigsetjmp(recover, 1) == 0)
                fault[i]();
            point();
            printf("%d faults\n", faults);
        }
}

static void once(void) {
    catch (SIGSEGV, SA_RESETHAND);
    if (sigsetjmp(recover, 1) == 0)
        measure();
    printf("%d fault\n", faults);
    fflush(stdout);
    measure();
}

static void sent(void) {
    signal(SIGSEGV, SIG_IGN);
    raise(SIGSEGV);
    signal(SIGSEGV, SIG_DFL);
    puts("ignored");
    fflush(stdout);
    raise(SIGSEGV);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "handled";
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    nowhere = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    constant = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(here, 'a', sizeof here - 1);
    puts(what);
    fflush(stdout);
    for (int i = 0; i < 5; i++)
        point();
    if (strcmp(what, "handled") == 0)
        handled();
    else if (strcmp(what, "strlen") == 0)
        measure();
    else if (strcmp(what, "longjmp") == 0)
        jump();
    else if (strcmp(what, "once") == 0)
        once();
    else if (strcmp(what, "trap") == 0)
        trap();
    else
        sent();
    puts("not reached, but by handled");
    return 0;
}
