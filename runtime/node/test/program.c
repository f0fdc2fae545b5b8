/* SPDX-License-Identifier: MIT */
/* Hops to node 1 and does there what the first argument says. */
#include <errno.h>
#include <popcorn/migrate.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t signals;
static sigjmp_buf escape;

static void count_signal(int sig) {
    (void)sig;
    signals++;
}

static void leave(int sig) {
    siglongjmp(escape, sig);
}

static void handle(int sig, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(sig, &action, NULL);
}

static void do_null(void) {
    *(volatile int *)(uintptr_t)8 = 1;
}

static void do_wait(void) {
    for (;;)
        pause();
}

static void do_compute(void) {
    for (volatile unsigned long n = 0;; n++)
        check_migrate(NULL, NULL);
}

/* A handler that comes while the thread computes, and one that ends a system call. */
static void do_handlers(void) {
    handle(SIGALRM, count_signal, 0);
    alarm(1);
    while (!signals)
        ;
    alarm(1);
    int result = pause();
    printf("%d signals, pause %d %s\n", (int)signals, result, strerror(errno));
}

static void do_escape(void) {
    handle(SIGALRM, leave, 0);
    for (int i = 0; i < 3; i++) {
        int sig = sigsetjmp(escape, 1);
        if (sig == 0) {
            alarm(1);
            if (i == 1)
                pause();
            for (;;)
                ;
        }
        int home = migrate(0, NULL, NULL), away = migrate(1, NULL, NULL);
        printf("left %d, home %d, away %d\n", sig, home, away);
    }
}

/* Memory whose protection changes at the origin is protected on the node too. */
static void do_protect(void) {
    handle(SIGSEGV, leave, 0);
    volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = 1;
    mprotect((void *)(uintptr_t)page, 4096, PROT_READ);
    if (sigsetjmp(escape, 1) == 0) {
        page[0] = 2;
        printf("not protected\n");
    }
    mprotect((void *)(uintptr_t)page, 4096, PROT_READ | PROT_WRITE);
    page[0] += 2;
    printf("page %d\n", page[0]);
}

/* A shared mapping of a file is the same file on every node. */
static void do_file(void) {
    char name[] = "popcorn-XXXXXX";
    int fd = mkstemp(name), value = 0;
    unlink(name);
    ftruncate(fd, 4096);
    volatile int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    shared[0] = 7;
    pread(fd, &value, sizeof value, 0);
    migrate(0, NULL, NULL);
    shared[1] = shared[0] + 1;
    migrate(1, NULL, NULL);
    printf("file %d, memory %d\n", value, shared[1]);
}

/* Node 1's process dies while nobody is there; after a while it can be used again. */
static void do_again(void) {
    migrate(0, NULL, NULL);
    printf("waiting\n");
    getchar();
    int refused = 0, result;
    while ((result = migrate(1, NULL, NULL)) != 0) {
        refused++;
        usleep(100000);
    }
    printf("node %d, %s\n", current_nid(), refused ? "refused at first" : "at once");
}

static const struct {
    const char *name;
    void (*run)(void);
} actions[] = {{"null", do_null},       {"abort", abort},          {"wait", do_wait},
               {"compute", do_compute}, {"handlers", do_handlers}, {"escape", do_escape},
               {"protect", do_protect}, {"file", do_file},         {"again", do_again}};

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    int result = migrate(1, NULL, NULL);
    printf("node %d, result %d\n", current_nid(), result);
    for (size_t i = 0; argc > 1 && i < sizeof actions / sizeof *actions; i++)
        if (!strcmp(argv[1], actions[i].name))
            actions[i].run();
    return 42;
}
