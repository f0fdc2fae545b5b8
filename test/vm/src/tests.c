/* SPDX-License-Identifier: MIT */
/* The tests, each in a process of its own; one line each in TAP's manner. */
#include "vm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned other; /* the other node */

static void expect_refusal(int fd, unsigned nid, int error) {
    struct job job = {.kind = JOB_ECHO};
    int got = hop(fd, nid, &job);
    if (got != error)
        fail("refused with %d instead of %d", got, error);
}

static void go_and_tell(int fd, struct job *job) {
    check(!hop(fd, other, job), "hop");
    check(serve(fd, job, NULL) == POPCORN_EVENT_SYSCALL, "the thread is there");
}

static void handshake(unsigned count) {
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_ECHO};
    uint64_t begin;
    round_trip(fd, other, &job);
    begin = now_ns();
    for (uint32_t i = 0; i < count; i++) {
        job.check = i;
        memset(job.pad, (int)i, sizeof job.pad);
        round_trip(fd, other, &job);
        if (job.check != ~i || job.pad[i % sizeof job.pad] != (uint8_t)i)
            fail("hop %u", i);
    }
    printf("# figure hop_there_and_back_us %lu\n", (unsigned long)((now_ns() - begin) / 1000 / count));
}

static void test_handshake(void) {
    handshake(1000);
}

static void test_hops(void) {
    handshake(100);
}

static void *hop_often(void *data) {
    int fd = *(int *)data;
    struct job job = {.kind = JOB_ECHO};
    for (uint32_t i = 0; i < 50; i++) {
        job.check = i;
        round_trip(fd, other, &job);
        if (job.check != ~i)
            fail("hop %u", i);
    }
    return NULL;
}

static void test_threads(void) {
    int fd = program_open(AGENT_ACCEPT);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        check(!pthread_create(&threads[i], NULL, hop_often, &fd), "pthread_create");
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

static void test_syscalls(void) {
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_SYSCALL, .n = 1000};
    check(!round_trip(fd, other, &job), "results");
}

static void test_pages(void) {
    int fd = program_open(AGENT_ACCEPT);
    fill_pages(0, 64, 0);
    for (uint64_t i = 0; i < 8; i++) {
        struct job job = {.kind = JOB_VERIFY, .n = 64, .b = 2 * i, .c = 2 * i + 1};
        uint32_t wrong = round_trip(fd, other, &job);
        if (wrong)
            fail("round %lu: %u words wrong there", (unsigned long)i, wrong);
        if (wrong_words(0, 64, 2 * i + 1))
            fail("round %lu: words wrong here", (unsigned long)i);
        fill_pages(0, 64, 2 * i + 2);
    }
}

#define THIRD 2u

struct adder {
    int fd;
    unsigned nid;
    struct job job;
};

static void *add_there(void *data) {
    struct adder *adder = data;
    round_trip(adder->fd, adder->nid, &adder->job);
    return NULL;
}

static void add_here(const struct job *job) {
    for (uint32_t i = 0; i < job->n; i++) {
        __atomic_fetch_add(word(job->a, 0), 1, __ATOMIC_SEQ_CST);
        if (i % 64)
            continue;
        lock_word(word(job->c, 0));
        *word(job->b, 0) += 1;
        *word(job->b, 7) += *word(job->b, 0);
        unlock_word(word(job->c, 0));
    }
}

static void test_atomics(void) {
    enum { ROUNDS = 20000, THREADS = 4 };
    struct adder adders[THREADS];
    pthread_t threads[THREADS];
    int fd = program_open(AGENT_ACCEPT);
    for (int i = 0; i < THREADS; i++) {
        adders[i] = (struct adder){fd, other, {.kind = JOB_ADD, .n = ROUNDS, .a = 1, .b = 2, .c = 3}};
        check(!pthread_create(&threads[i], NULL, add_there, &adders[i]), "pthread_create");
    }
    add_here(&adders[0].job);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t locked = (ROUNDS + 63) / 64 * (THREADS + 1);
    if (*word(1, 0) != ROUNDS * (THREADS + 1) || *word(2, 0) != locked ||
        *word(2, 7) != locked * (locked + 1) / 2)
        fail("%lu added, %lu under the lock, sum %lu", *word(1, 0), *word(2, 0), *word(2, 7));
}

/* The same page goes to and fro: the least that two machines can do in turns. */
static void test_ping_pong(void) {
    enum { ROUNDS = 100 };
    int fd = program_open(AGENT_ACCEPT);
    struct adder adder = {fd, other, {.kind = JOB_ROUND, .n = ROUNDS, .a = 9}};
    pthread_t thread;
    uint64_t begin;
    check(!pthread_create(&thread, NULL, add_there, &adder), "pthread_create");
    begin = now_ns();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        while (__atomic_load_n(word(9, 0), __ATOMIC_ACQUIRE) & 1)
            usleep(20);
        __atomic_fetch_add(word(9, 0), 1, __ATOMIC_RELEASE);
    }
    pthread_join(thread, NULL);
    if (*word(9, 0) != 2 * ROUNDS)
        fail("%lu turns", *word(9, 0));
    printf("# figure page_to_and_fro_us %lu\n", (unsigned long)((now_ns() - begin) / 1000 / ROUNDS));
}

static void test_bulk(void) {
    enum { PAGES = 2048 };
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_SUM, .n = PAGES};
    uint64_t sum = 0;
    for (uint64_t i = 0; i < PAGES; i++) {
        *word(i, 5) = pattern(3, i);
        sum += *word(i, 5);
    }
    round_trip(fd, other, &job);
    check(job.b == sum, "sum");
    printf("# figure sequential_read_MB_per_s %lu\n", (unsigned long)(PAGES * 4096ul * 1000 / job.c));
    job = (struct job){.kind = JOB_FILL, .n = PAGES, .b = 4};
    round_trip(fd, other, &job);
    printf("# figure sequential_write_MB_per_s %lu\n", (unsigned long)(PAGES * 4096ul * 1000 / job.c));
    uint64_t begin = now_ns();
    check(!wrong_words(0, PAGES, 4), "what was written there");
    printf("# figure sequential_read_back_MB_per_s %lu\n",
           (unsigned long)(PAGES * 4096ul * 1000 / (now_ns() - begin)));
}

/* 64 MiB, in order and in none, there and here. */
static void test_working_set(void) {
    enum { SCATTERED = 1000 };
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_VERIFY, .n = WORKING_SET, .b = 8, .c = 9};
    fill_pages(0, WORKING_SET, 8);
    check(!round_trip(fd, other, &job), "what was written here");
    check(!scatter(SCATTERED, 9, 10), "what was written there, by chance");
    job = (struct job){.kind = JOB_SCATTER, .n = SCATTERED, .b = 10, .c = 9};
    check(!round_trip(fd, other, &job), "what was written here, by chance");
    check(!wrong_words(0, WORKING_SET, 9), "all of it");
}

/* No program: keep-alives are all that is sent. */
static void test_idle(void) {
    uint64_t keepalives, others, cpu;
    measure_idle(4, &keepalives, &others, &cpu);
    printf("# %lu keep-alives, %lu others, %lu us\n", (unsigned long)keepalives, (unsigned long)others,
           (unsigned long)cpu / 1000);
    check(keepalives && !others, "messages");
    check(cpu < 200000000, "processor time");
}

static void test_fault(void) {
    enum { PAGES = 400 };
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_SUM, .n = 1};
    uint64_t total = 0;
    for (uint64_t i = 0; i < PAGES * 64; i += 64)
        *word(i, 5) = i + 1;
    round_trip(fd, other, &job);
    /* One page each time, never next to the last one. */
    for (uint64_t i = 1; i < PAGES; i++) {
        job.a = i * 64;
        round_trip(fd, other, &job);
        check(job.b == i * 64 + 1, "value");
        total += job.c;
    }
    printf("# figure page_fault_us %lu\n", (unsigned long)(total / 1000 / (PAGES - 1)));
}

static void test_discard(void) {
    int fd = program_open(AGENT_ACCEPT);
    struct popcorn_range range = {.index = 4, .count = 4};
    struct job job = {.kind = JOB_FILL, .n = 16, .b = 5};
    round_trip(fd, other, &job);
    check(!ioctl(fd, POPCORN_IOC_DISCARD, &range), "DISCARD");
    for (uint64_t i = 4; i < 8; i++)
        for (unsigned k = 0; k < PAGE / 8; k++)
            check(!*word(i, k), "zeros");
    check(*word(3, 9) == pattern(5, 3 * 512 + 9) && *word(8, 9) == pattern(5, 8 * 512 + 9), "neighbours");
    job = (struct job){.kind = JOB_SUM, .a = 4, .n = 4};
    round_trip(fd, other, &job);
    check(!job.b, "zeros there");
    range.index = ARENA_PAGES;
    check(ioctl(fd, POPCORN_IOC_DISCARD, &range) && errno == ERANGE, "range");
}

/* System calls read and write portable memory, wherever its pages are. */
static void test_kernel_access(void) {
    int fd = program_open(AGENT_ACCEPT), pipes[2];
    struct job job = {.kind = JOB_FILL, .n = 4, .b = 6};
    check(!pipe(pipes), "pipe");
    round_trip(fd, other, &job);
    check(write(pipes[1], word(0, 0), 8192) == 8192, "write");
    round_trip(fd, other, &job);
    check(read(pipes[0], word(2, 0), 8192) == 8192, "read");
    job = (struct job){.kind = JOB_VERIFY, .a = 0, .n = 2, .b = 6, .c = 6};
    check(!round_trip(fd, other, &job), "unchanged");
    job = (struct job){.kind = JOB_VERIFY, .a = 2, .n = 2, .b = 6, .c = 6};
    check(!round_trip(fd, other, &job), "read() wrote it");
}

/* A connection of this machine with itself. */
static void connect_to_self(int ends[2]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    check(!bind(listener, (struct sockaddr *)&address, size) && !listen(listener, 1), "listen");
    check(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
    check(!connect(ends[0], (struct sockaddr *)&address, size), "connect");
    ends[1] = accept(listener, NULL, NULL);
    check(ends[1] >= 0, "accept");
}

static void *send_pages(void *data) {
    const struct adder *sender = data;
    size_t size = sender->job.n * PAGE;
    check(write(sender->fd, word(0, 0), size) == (ssize_t)size, "write");
    return NULL;
}

/* While TCP copies them out of a program's memory, pages come from the other machine: over TCP. */
static void test_sends(void) {
    enum { PAGES = 64, ROUNDS = 10 };
    static uint64_t got[PAGES * PAGE / 8];
    int fd = program_open(AGENT_ACCEPT), ends[2];
    connect_to_self(ends);
    for (uint64_t seed = 20; seed < 20 + ROUNDS; seed++) {
        struct job job = {.kind = JOB_FILL, .n = PAGES, .b = seed};
        struct adder sender = {.fd = ends[0], .job = job};
        pthread_t thread;
        round_trip(fd, other, &job);
        check(!pthread_create(&thread, NULL, send_pages, &sender), "pthread_create");
        check(recv(ends[1], got, sizeof got, MSG_WAITALL) == sizeof got, "recv");
        pthread_join(thread, NULL);
        for (uint64_t i = 0; i < PAGES * PAGE / 8; i++)
            if (got[i] != pattern(seed, i))
                fail("round %lu: word %lu is %lx", (unsigned long)seed, (unsigned long)i,
                     (unsigned long)got[i]);
    }
}

static void test_exit(void) {
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_EXIT, .n = 42};
    int64_t code;
    check(!hop(fd, other, &job), "hop");
    check(serve(fd, &job, &code) == POPCORN_EVENT_EXIT && code == 42, "exit code");
    job = (struct job){.kind = JOB_ECHO};
    round_trip(fd, other, &job);
}

static volatile uintptr_t bus_error_at;

static void on_bus_error(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    bus_error_at = (uintptr_t)info->si_addr;
}

/* A page that was on a lost node alone is an error, not a wait without end. */
static void expect_loss(uint64_t page) {
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    int pipes[2];
    check(!sigaction(SIGBUS, &action, NULL) && !pipe(pipes), "sigaction, pipe");
    check(write(pipes[1], word(page, 0), 8) < 0 && errno == EFAULT, "the lost page");
    check(bus_error_at == (uintptr_t)word(page, 0), "SIGBUS for the lost page");
    signal(SIGBUS, SIG_DFL);
}

static void test_crash(void) {
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_FILL, .n = 1, .b = 7};
    int64_t code;
    round_trip(fd, other, &job);
    job = (struct job){.kind = JOB_CRASH};
    check(!hop(fd, other, &job), "hop");
    check(serve(fd, &job, &code) == POPCORN_EVENT_LOST && (code & 127) == SIGSEGV, "how it ended");
    expect_refusal(fd, other, ECONNRESET);
    expect_loss(0);
}

static void test_signal(void) {
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_SIGNAL};
    struct popcorn_signal sent = {
        .signo = SIGUSR1, .code = SI_QUEUE, .pid = 1, .uid = USER, .value = 0x123456789a};
    go_and_tell(fd, &job);
    check(!ioctl(fd, POPCORN_IOC_SIGNAL, &sent), "SIGNAL");
    check(serve(fd, &job, NULL) == POPCORN_EVENT_BACK && job.b == sent.value, "value");
    sent.signo = 1000;
    check(ioctl(fd, POPCORN_IOC_SIGNAL, &sent) && errno == ESRCH, "a thread at home");
}

static void test_refusals(void) {
    struct job job = {.kind = JOB_ECHO};
    int fd = program_open(AGENT_REFUSE);
    expect_refusal(fd, other, ENOEXEC);
    expect_refusal(fd, other, ENOEXEC);
    expect_refusal(fd, 7, EHOSTUNREACH);
    expect_refusal(fd, 64, EHOSTUNREACH);
    struct popcorn_migrate migrate = {
        .nid = other, .blob = (uintptr_t)&job, .blob_len = POPCORN_BLOB_MAX + 1};
    check(ioctl(fd, POPCORN_IOC_MIGRATE, &migrate) && errno == EINVAL, "a blob too long");
    migrate = (struct popcorn_migrate){.nid = other, .blob = 4096, .blob_len = 100};
    check(ioctl(fd, POPCORN_IOC_MIGRATE, &migrate) && errno == EFAULT, "a blob that is not there");
    *word(5, 0) = 1;
    check(*word(5, 0) == 1, "goes on");
}

static void test_onward_refusal(void) {
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_HOP, .check = 7};
    check(round_trip(fd, other, &job) == EHOSTUNREACH, "no such node");
}

/* There, on to a third node, and back from there; each touches what the one before has written. A hop that a
 * busy machine is late with is refused; then the thread has not been there, and tries again. */
static void test_onward(void) {
    int fd = program_open(AGENT_ACCEPT);
    uint64_t refused = 0;
    for (uint64_t i = 0; i < 20 + refused; i++) {
        struct job job = {.kind = JOB_FILL, .n = 8, .b = i};
        unsigned first = i % 2 ? other : THIRD, second = i % 2 ? THIRD : other;
        round_trip(fd, first, &job);
        job = (struct job){.kind = JOB_HOP, .n = 8, .b = i, .c = i + 100, .check = second};
        uint32_t result = round_trip(fd, first, &job);
        bool stayed = job.kind == JOB_HOP;
        if (result && (!stayed || result != ETIMEDOUT))
            fail(stayed ? "round %lu: error %u" : "round %lu: %u words wrong there", (unsigned long)i,
                 result);
        check(!wrong_words(0, 8, stayed ? i : i + 100), "what the last node has written");
        refused += stayed;
    }
    printf("# %lu hops were refused as late\n", (unsigned long)refused);
}

/* Threads on all nodes at the same pages. */
static void test_three_nodes(void) {
    enum { ROUNDS = 3000 };
    int fd = program_open(AGENT_ACCEPT);
    struct adder adders[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        adders[i] =
            (struct adder){fd, i ? THIRD : other, {.kind = JOB_ADD, .n = ROUNDS, .a = 1, .b = 2, .c = 3}};
        check(!pthread_create(&threads[i], NULL, add_there, &adders[i]), "pthread_create");
    }
    add_here(&adders[0].job);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    check(*word(1, 0) == ROUNDS * 3 && *word(2, 0) == (ROUNDS + 63) / 64 * 3, "sums");
}

static void test_timeout(void) {
    int fd = program_open(AGENT_SLEEP);
    uint64_t begin = now_ns();
    expect_refusal(fd, other, ETIMEDOUT);
    check(now_ns() - begin < 2ull * timeout_ms() * 1000000, "in time");
}

struct latecomer {
    int fd, error;
    uint64_t page;
};

static void *hop_late(void *data) {
    struct latecomer *late = data;
    struct job job = {.kind = JOB_ADD, .n = 1, .a = late->page, .b = late->page + 1, .c = late->page + 2};
    late->error = hop(late->fd, other, &job);
    if (!late->error)
        check(serve(late->fd, &job, NULL) == POPCORN_EVENT_BACK, "the way back");
    return NULL;
}

/* Threads arrive when the origin gives them up: each runs there, or is refused and does not. */
static void test_late(void) {
    enum { THREADS = 16 };
    struct latecomer late[THREADS];
    pthread_t threads[THREADS];
    int fd = program_open(AGENT_LATE), refused = 0;
    for (int i = 0; i < THREADS; i++) {
        late[i] = (struct latecomer){.fd = fd, .page = 3 * (uint64_t)i};
        check(!pthread_create(&threads[i], NULL, hop_late, &late[i]), "pthread_create");
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    usleep(500000);
    for (int i = 0; i < THREADS; i++) {
        refused += late[i].error != 0;
        check(!late[i].error || late[i].error == ETIMEDOUT, "why it was refused");
        check(*word(late[i].page, 0) == !late[i].error, "it ran, or it did not");
    }
    printf("# %d of %d came too late\n", refused, THREADS);
    check(node_state(other) == POPCORN_NODE_UP, "nobody lost the connection");
}

/* The process there ends before the thread is in it. */
static void test_no_process(void) {
    expect_refusal(program_open(AGENT_DIE), other, ECONNRESET);
}

static void test_killed_origin(void) {
    int pipes[2], status;
    char byte;
    check(!pipe(pipes), "pipe");
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (!pid) {
        int fd = program_open(AGENT_ACCEPT);
        struct job job = {.kind = JOB_SLEEP, .a = 1};
        go_and_tell(fd, &job);
        check(write(pipes[1], "x", 1) == 1, "write");
        serve(fd, &job, NULL);
        _exit(1);
    }
    check(read(pipes[0], &byte, 1) == 1, "the thread is there");
    kill(pid, SIGKILL);
    check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "killed");
}

static void test_roles(void) {
    struct popcorn_origin origin = {.pages = 16};
    struct popcorn_adopt adopt = {.cookie = 1};
    struct popcorn_serve serve_arg = {0};
    uint32_t nid = 3;
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    check(ioctl(fd, POPCORN_IOC_SERVE, &serve_arg) && errno == EPERM, "no role yet");
    check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED, "no mapping yet");
    check(ioctl(fd, POPCORN_IOC_ADOPT, &adopt) && errno == ENOENT, "a cookie of nobody");
    check(ioctl(fd, POPCORN_IOC_AGENT) && errno == EPERM, "no agent as a user");
    check(ioctl(fd, POPCORN_IOC_NODE, &nid) && errno == EPERM, "no node id as a user");
    check(!ioctl(fd, POPCORN_IOC_ORIGIN, &origin), "ORIGIN");
    check(ioctl(fd, POPCORN_IOC_ORIGIN, &origin) && errno == EBUSY, "one role only");
    check(ioctl(fd, POPCORN_IOC_SERVE, &serve_arg) && errno == ESRCH, "nothing is away");
    check(mmap(NULL, 17 * PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED, "no more pages than there are");
    check(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED, "no private mapping");
    pid_t pid = fork();
    int status;
    if (!pid)
        _exit(!(ioctl(fd, POPCORN_IOC_SERVE, &serve_arg) && errno == EPERM));
    check(waitpid(pid, &status, 0) == pid && !status, "a child asks in vain");
}

static void test_root(void) {
    expect_refusal(program_open(AGENT_ACCEPT), other, EPERM);
}

/* Runs until the other machine is gone. */
static void test_lost(const char *word_to_host) {
    int fd = program_open(AGENT_ACCEPT);
    struct job job = {.kind = JOB_SLEEP, .a = 1};
    uint64_t begin;
    *word(0, 0) = 77;
    go_and_tell(fd, &job);
    printf("HOST %s %u\n", word_to_host, 8 * patience());
    fflush(stdout);
    begin = now_ns();
    check(serve(fd, &job, NULL) == POPCORN_EVENT_LOST, "LOST");
    check(now_ns() - begin < 3ull * timeout_ms() * 1000000, "in time");
    check(*word(0, 0) == 77, "pages at home stay");
    expect_loss(1);
}

static void test_freeze(void) {
    test_lost("freeze");
}

static void test_power_off(void) {
    test_lost("poweroff");
}

static void test_fuzz(void) {
    fuzz_main(10000);
    check(node_state(other) == POPCORN_NODE_UP, "the honest peer is up");
}

static const struct test {
    const char *name;
    void (*run)(void);
    unsigned uid, seconds;
} tests[] = {
    {"roles", test_roles, USER, 10},
    {"handshake", test_handshake, USER, 60},
    {"hops", test_hops, USER, 60},
    {"threads", test_threads, USER, 60},
    {"syscalls", test_syscalls, USER, 60},
    {"pages", test_pages, USER, 60},
    {"atomics", test_atomics, USER, 60},
    {"ping_pong", test_ping_pong, USER, 60},
    {"fault", test_fault, USER, 60},
    {"bulk", test_bulk, USER, 60},
    {"working_set", test_working_set, USER, 100},
    {"idle", test_idle, 0, 20},
    {"discard", test_discard, USER, 30},
    {"kernel_access", test_kernel_access, USER, 30},
    {"sends", test_sends, USER, 30},
    {"exit", test_exit, USER, 30},
    {"crash", test_crash, USER, 30},
    {"signal", test_signal, USER, 30},
    {"refusals", test_refusals, USER, 30},
    {"onward_refusal", test_onward_refusal, USER, 30},
    {"onward", test_onward, USER, 60},
    {"three_nodes", test_three_nodes, USER, 60},
    {"timeout", test_timeout, USER, 30},
    {"late", test_late, USER, 30},
    {"no_process", test_no_process, USER, 30},
    {"killed_origin", test_killed_origin, USER, 30},
    {"second_user", test_pages, USER + 1, 60},
    {"root", test_root, 0, 10},
    {"fuzz", test_fuzz, 0, 100},
    {"freeze", test_freeze, USER, 60},
    {"poweroff", test_power_off, USER, 60},
};

static bool run(const struct test *test) {
    int status;
    uint64_t begin = now_ns();
    fflush(stdout);
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (!pid) {
        alarm(at_most(test->seconds));
        if (test->uid && (setgid(test->uid) || setuid(test->uid)))
            fail("setuid");
        test->run();
        fflush(stdout);
        _exit(0);
    }
    check(waitpid(pid, &status, 0) == pid, "waitpid");
    if (WIFSIGNALED(status))
        printf("# %s: signal %d\n", test->name, WTERMSIG(status));
    printf("%s - %s # %lu ms\n", status ? "not ok" : "ok", test->name,
           (unsigned long)((now_ns() - begin) / 1000000));
    fflush(stdout);
    return !status;
}

int tests_main(int argc, char **argv) {
    other = (unsigned)atoi(argv[0]);
    for (int i = 1; i < argc; i++) {
        size_t k = 0, count = sizeof tests / sizeof *tests;
        while (k < count && strcmp(tests[k].name, argv[i]))
            k++;
        if (k == count)
            fail("no test %s", argv[i]);
        run(&tests[k]);
    }
    return 0;
}
