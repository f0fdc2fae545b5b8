/* SPDX-License-Identifier: MIT */
/*
 * A walk at random over what the device offers: processes of an ordinary user with a few open files, mappings
 * and threads ask for anything, in any order, with arguments of which most are nearly right. Their programs
 * go to the other node and walk there, too. Nothing is expected of what they get, but that what needs a
 * privilege is refused, that a process that is killed ends, and that nothing stays.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES = 6, MAPPINGS = 4, TOUCHED = 256, WALKERS = 3, STEPS = 400, COMMANDS = 21 };

/* What a process has; its threads take it from each other without asking. */
static int files[FILES];
static struct {
    char *at;
    size_t size;
} mappings[MAPPINGS];
static struct job job;
static unsigned other;

static _Thread_local uint64_t random_state;
static _Thread_local sigjmp_buf *landing;

static uint32_t below(uint32_t n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

static uint64_t number(void) {
    static const uint64_t edges[] = {0,          1,          2,          9,           63,
                                     64,         4095,       4096,       ARENA_PAGES, ARENA_PAGES - 1,
                                     0x7fffffff, 0x80000000, 0xffffffff, 1ull << 26,  1ull << 52,
                                     INT64_MAX,  UINT64_MAX};
    if (below(3))
        return edges[below(sizeof edges / sizeof *edges)];
    return below(2) ? below(ARENA_PAGES) : (uint64_t)below(UINT32_MAX) << below(33);
}

static unsigned node(void) {
    return below(4) ? other : (unsigned)number();
}

static void make_job(struct job *made) {
    static const uint8_t kinds[] = {JOB_ECHO, JOB_SYSCALL, JOB_VERIFY, JOB_ADD, JOB_SUM,
                                    JOB_FILL, JOB_EXIT,    JOB_CRASH,  JOB_HOP};
    *made = (struct job){.kind = kinds[below(sizeof kinds)],
                         .n = below(16),
                         .a = below(TOUCHED),
                         .b = below(TOUCHED),
                         .c = below(TOUCHED),
                         .check = node()};
}

/* Where an argument lies: mostly where it is, and else where it may not be, or has to be fetched from. */
static void *place(void *argument) {
    unsigned i = below(MAPPINGS);
    switch (below(12)) {
    case 0:
        return NULL;
    case 1:
        return (void *)(uintptr_t)number();
    case 2:
        return mappings[i].at ? mappings[i].at + below(TOUCHED) * PAGE + PAGE - below(64) : argument;
    default:
        return argument;
    }
}

union argument {
    struct popcorn_origin origin;
    struct popcorn_migrate migrate;
    struct popcorn_serve serve;
    struct popcorn_syscall call;
    struct popcorn_signal signal;
    struct popcorn_range range;
    struct popcorn_key key;
    struct popcorn_node_info info;
    struct popcorn_peer peer;
    struct popcorn_refuse refuse;
    struct popcorn_adopt adopt;
    uint32_t word;
    uint8_t bytes[512];
};

static const unsigned long commands[COMMANDS] = {
    POPCORN_IOC_INFO,    POPCORN_IOC_NODE,      POPCORN_IOC_PEER_ADD, POPCORN_IOC_PEER_REMOVE,
    POPCORN_IOC_AGENT,   POPCORN_IOC_NODE_INFO, POPCORN_IOC_REFUSE,   POPCORN_IOC_NAME,
    POPCORN_IOC_ADOPT,   POPCORN_IOC_ORIGIN,    POPCORN_IOC_MIGRATE,  POPCORN_IOC_SERVE,
    POPCORN_IOC_WORKER,  POPCORN_IOC_SYSCALL,   POPCORN_IOC_SIGNAL,   POPCORN_IOC_EXIT,
    POPCORN_IOC_DISCARD, POPCORN_IOC_TELL,      POPCORN_IOC_PRESENT,  POPCORN_IOC_MIGRATE,
    POPCORN_IOC_SERVE};

static bool needs_privilege(unsigned long command) {
    return command == POPCORN_IOC_NODE || command == POPCORN_IOC_PEER_ADD || command == POPCORN_IOC_AGENT ||
           command == POPCORN_IOC_PEER_REMOVE || command == POPCORN_IOC_NAME;
}

static void fill_argument(unsigned long command, union argument *argument) {
    static const uint8_t words[] = {AGENT_ACCEPT, AGENT_ACCEPT, AGENT_WALK,
                                    AGENT_WALK,   AGENT_REFUSE, AGENT_DIE};
    memset(argument, 0, sizeof *argument);
    if (!below(8)) {
        for (size_t i = 0; i < sizeof *argument; i++)
            argument->bytes[i] = (uint8_t)below(256);
        return;
    }
    switch (command) {
    case POPCORN_IOC_ORIGIN:
        argument->origin.pages = below(4) ? ARENA_PAGES : number();
        argument->origin.hash[0] = words[below(sizeof words)];
        break;
    case POPCORN_IOC_MIGRATE:
        make_job(&job);
        argument->migrate = (struct popcorn_migrate){.nid = node(),
                                                     .blob = (uintptr_t)place(&job),
                                                     .blob_len = below(8) ? sizeof job : (uint32_t)number()};
        break;
    case POPCORN_IOC_SERVE:
        argument->serve = (struct popcorn_serve){.answer = below(2) ? below(64) : 0,
                                                 .blob = (uintptr_t)place(&job),
                                                 .blob_len = below(8) ? sizeof job : (uint32_t)number(),
                                                 .flags = below(8) ? 0 : below(4),
                                                 .timeout_ms = below(50)};
        break;
    case POPCORN_IOC_SYSCALL:
        argument->call = (struct popcorn_syscall){.nr = 1000, .args = {below(4)}, .flags = below(4)};
        break;
    case POPCORN_IOC_SIGNAL:
        argument->signal = (struct popcorn_signal){.signo = below(70),
                                                   .code = below(2) ? SI_QUEUE : (int)number(),
                                                   .value = number(),
                                                   .tid = below(2) ? 0 : (unsigned)gettid() - below(3)};
        break;
    case POPCORN_IOC_DISCARD:
    case POPCORN_IOC_PRESENT:
        argument->range.index = below(2) ? below(TOUCHED) : number();
        argument->range.count = below(2) ? below(TOUCHED) : number();
        break;
    default: /* a number or two */
        argument->info.nid = node();
        argument->info.state = (uint32_t)below(2);
        break;
    }
}

static void ask(int fd) {
    unsigned long command = commands[below(COMMANDS)];
    union argument argument;
    fill_argument(command, &argument);
    if (!below(64))
        command = _IOC(below(4), 'P', below(32), below(600));
    else if (!ioctl(fd, command, place(&argument)) && needs_privilege(command))
        fail("command %lx is allowed", command);
}

/* A system call, or the thread itself, touches the mapping. */
static void touch(int fd) {
    unsigned i = below(MAPPINGS);
    char *at = mappings[i].at;
    sigjmp_buf here;
    struct pollfd wait = {fd, POLLIN, 0};
    if (!at)
        return;
    at += below(TOUCHED) * PAGE + below(PAGE);
    landing = &here;
    if (!sigsetjmp(here, 1)) {
        switch (below(4)) {
        case 0:
            *(volatile char *)at += 1;
            break;
        case 1:
            (void)*(volatile char *)at;
            break;
        case 2:
            if (read(fd, at, below(2 * PAGE)) < 0 && !below(4))
                poll(&wait, 1, 1);
            break;
        default:
            clock_gettime(CLOCK_MONOTONIC, (struct timespec *)(void *)at);
        }
    }
    landing = NULL;
}

static void map(int fd) {
    unsigned i = below(MAPPINGS);
    size_t size = (below(3) ? TOUCHED + 2 : (size_t)1 + below(8)) * PAGE;
    if (mappings[i].at && below(2)) {
        munmap(mappings[i].at, mappings[i].size);
        mappings[i].at = NULL;
    } else if (mappings[i].at && below(2)) {
        mprotect(mappings[i].at, mappings[i].size, below(2) ? PROT_READ : PROT_READ | PROT_WRITE);
    } else if (mappings[i].at) {
        madvise(mappings[i].at, mappings[i].size, below(2) ? MADV_DONTNEED : MADV_WILLNEED);
    } else {
        char *at = mmap(below(8) ? NULL : ARENA, size, PROT_READ | PROT_WRITE,
                        below(8) ? MAP_SHARED : MAP_PRIVATE, fd, below(4) ? 0 : (off_t)(number() * PAGE));
        mappings[i].size = size;
        mappings[i].at = at == MAP_FAILED ? NULL : at;
    }
}

static void walk(unsigned steps);

/* What waits is interrupted soon. */
static void interrupt_often(void) {
    struct itimerval often = {{0, 20000}, {0, 20000}};
    setitimer(ITIMER_REAL, &often, NULL);
}

static void *walk_in_thread(void *seed) {
    random_state = (uintptr_t)seed;
    walk(STEPS / 8);
    return NULL;
}

static void multiply(void) {
    pthread_t thread;
    if (below(4)) {
        if (!pthread_create(&thread, NULL, walk_in_thread, (void *)(uintptr_t)(random_state | 1)))
            pthread_detach(thread);
        return;
    }
    if (fork())
        return;
    interrupt_often();
    walk(STEPS / 16);
    if (below(2))
        raise(SIGKILL);
    _exit(0);
}

static void step(void) {
    unsigned i = below(FILES);
    int fd = files[i];
    if (fd < 0) {
        files[i] = open(DEVICE, O_RDWR | O_CLOEXEC | (below(4) ? 0 : O_NONBLOCK));
        return;
    }
    switch (below(32)) {
    case 0:
        files[i] = -1;
        close(fd);
        break;
    case 1:
        if (!below(4))
            multiply();
        break;
    case 2:
    case 3:
        map(fd);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
        touch(fd);
        break;
    default:
        ask(fd);
    }
}

static void walk(unsigned steps) {
    while (steps--)
        step();
}

static void on_alarm(int number) {
    (void)number;
}

static void on_fault(int number) {
    if (landing)
        siglongjmp(*landing, number);
    if (number == SIGBUS) /* it was a system call that touched a lost page */
        return;
    _exit(128 + number);
}

/* Who touches what is not there goes on. */
static void begin(uint64_t seed) {
    struct sigaction alarm = {.sa_handler = on_alarm},
                     fault = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    random_state = seed;
    sigaction(SIGALRM, &alarm, NULL);
    sigaction(SIGBUS, &fault, NULL);
    sigaction(SIGSEGV, &fault, NULL);
    signal(SIGCHLD, SIG_IGN);
    interrupt_often();
    for (int i = 1; i < FILES; i++)
        files[i] = -1;
}

/* The agent's process for a program that walks: its file is as good as any. */
_Noreturn void walk_remote(int fd, unsigned home) {
    files[0] = fd;
    other = home;
    begin(now_ns());
    walk(STEPS);
    _exit(0);
}

static _Noreturn void walk_at_home(uint64_t seed) {
    check(!setgid(USER) && !setuid(USER), "the user");
    files[0] = -1;
    begin(seed);
    walk(STEPS);
    _exit(0);
}

static bool wait_a_while(pid_t pid, unsigned seconds, int *status) {
    for (unsigned i = 0; i < 20 * seconds; i++) {
        if (waitpid(pid, status, WNOHANG) == pid)
            return true;
        usleep(50000);
    }
    return false;
}

/* One process after the other. One that is not through in time waits for something, and is killed. */
static _Noreturn void keep_walking(uint64_t seed, uint64_t end) {
    unsigned walks = 0, killed = 0;
    int status;
    for (; now_ns() < end; walks++) {
        pid_t pid = fork();
        check(pid >= 0, "fork");
        if (!pid)
            walk_at_home(seed + walks);
        if (wait_a_while(pid, 20 * patience(), &status)) {
            check(!WIFEXITED(status) || WEXITSTATUS(status) != 1, "a walk");
            continue;
        }
        killed++;
        kill(pid, SIGKILL);
        if (!wait_a_while(pid, 20 * patience(), &status))
            fail("process %d does not end", pid);
    }
    printf("# %u walks, of which %u were killed\n", walks, killed);
    fflush(stdout);
    _exit(0);
}

int walk_main(unsigned nid, unsigned seconds) {
    uint64_t end = now_ns() + seconds * 1000000000ull;
    long live;
    int status, bad = 0;
    other = nid;
    live = stat_value("live");
    fflush(stdout);
    for (uint64_t i = 1; i <= WALKERS; i++) {
        pid_t pid = fork();
        check(pid >= 0, "fork");
        if (!pid)
            keep_walking(i * 1000003 + now_ns(), end);
    }
    for (int i = 0; i < WALKERS; i++)
        bad += wait(&status) < 0 || status;
    for (int i = 0; !bad && stat_value("live") > live; i++) {
        if (i == 600 * (int)patience())
            fail("%ld objects are left", stat_value("live") - live);
        usleep(50000);
    }
    return bad;
}
