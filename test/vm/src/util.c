/* SPDX-License-Identifier: MIT */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("# ");
    vprintf(format, args);
    printf(" (%s)\n", strerror(errno));
    va_end(args);
    fflush(stdout);
    _exit(1);
}

void check(bool good, const char *what) {
    if (!good)
        fail("%s", what);
}

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

unsigned patience(void) {
    const char *value = getenv("PATIENCE");
    return value ? (unsigned)atoi(value) : 1;
}

unsigned at_most(unsigned seconds) {
    const char *value = getenv("LIMIT");
    return value ? seconds * (unsigned)atoi(value) / 500 : seconds;
}

unsigned timeout_ms(void) {
    unsigned value;
    FILE *file = fopen("/sys/module/popcorn/parameters/timeout_ms", "r");
    check(file && fscanf(file, "%u", &value) == 1, "timeout_ms");
    fclose(file);
    return value;
}

uint64_t *word(uint64_t page, unsigned n) {
    return (uint64_t *)(ARENA + page * PAGE) + n;
}

uint64_t pattern(uint64_t seed, uint64_t n) {
    uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u + n * 0xbf58476d1ce4e5b9u;
    return x ^ x >> 29;
}

void fill_pages(uint64_t first, uint64_t count, uint64_t seed) {
    for (uint64_t i = 0; i < count * (PAGE / 8); i++)
        word(first, 0)[i] = pattern(seed, i);
}

uint64_t wrong_words(uint64_t first, uint64_t count, uint64_t seed) {
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < count * (PAGE / 8); i++)
        wrong += word(first, 0)[i] != pattern(seed, i);
    return wrong;
}

uint64_t scatter(uint64_t count, uint64_t from, uint64_t to) {
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t page = i * 2654435761 % WORKING_SET, n = page * (PAGE / 8) + 7;
        wrong += word(0, 0)[n] != pattern(from, n);
        word(0, 0)[n] = pattern(to, n);
    }
    return wrong;
}

void lock_word(uint64_t *lock) {
    while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(lock, __ATOMIC_RELAXED))
            usleep(20);
}

void unlock_word(uint64_t *lock) {
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

long stat_value(const char *name) {
    char line[128];
    size_t length = strlen(name);
    FILE *file = fopen("/sys/kernel/debug/popcorn/stats", "r");
    long value = -1;
    check(file, "popcorn/stats");
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, name, length) && line[length] == ' ')
            value = atol(line + length);
    fclose(file);
    return value;
}

int device_open(void) {
    int fd;
    do
        fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    while (fd < 0 && errno == ENOMEM); /* (which the tests bring about) */
    check(fd >= 0, DEVICE);
    return fd;
}

unsigned node_state(unsigned nid) {
    struct popcorn_node_info info = {.nid = nid};
    int fd = device_open();
    check(!ioctl(fd, POPCORN_IOC_NODE_INFO, &info), "NODE_INFO");
    close(fd);
    return info.state;
}

void wait_node(unsigned nid, unsigned state) {
    for (int i = 0; node_state(nid) != state; i++) {
        if (i == 600 * (int)patience())
            fail("node %u is not in state %u", nid, state);
        usleep(50000);
    }
}

int program_open(enum agent_word word) {
    struct popcorn_origin origin = {.pages = ARENA_PAGES, .hash = {(uint8_t)word}};
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    check(fd >= 0, DEVICE);
    check(!ioctl(fd, POPCORN_IOC_ORIGIN, &origin), "ORIGIN");
    void *at = mmap(ARENA, (size_t)ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    check(at == ARENA, "mmap");
    return fd;
}

int hop(int fd, unsigned nid, const struct job *job) {
    struct popcorn_migrate migrate = {.nid = nid, .blob = (uintptr_t)job, .blob_len = sizeof *job};
    return ioctl(fd, POPCORN_IOC_MIGRATE, &migrate) ? errno : 0;
}

/* What the tests' remote threads ask of their shadow: no real system call, so that its arguments can be
 * checked. */
static int64_t perform(const struct popcorn_serve *call) {
    int64_t sum = (int64_t)call->nr;
    for (int i = 0; i < 6; i++)
        sum += (int64_t)call->args[i] * (i + 1);
    return sum;
}

static _Thread_local uint64_t unanswered;
static _Thread_local int64_t unanswered_result;

unsigned serve(int fd, struct job *job, int64_t *result) {
    for (;;) {
        struct popcorn_serve arg = {.answer = unanswered,
                                    .answer_result = unanswered_result,
                                    .blob = (uintptr_t)job,
                                    .blob_len = sizeof *job};
        int error = ioctl(fd, POPCORN_IOC_SERVE, &arg) ? errno : 0;
        unanswered = 0;
        if (error == EINTR)
            continue;
        check(!error, "SERVE");
        if (result)
            *result = arg.result;
        if (arg.event != POPCORN_EVENT_SYSCALL)
            return arg.event;
        unanswered = arg.id;
        unanswered_result = perform(&arg);
        if (arg.nr == 2000)
            return POPCORN_EVENT_SYSCALL;
    }
}

uint32_t round_trip(int fd, unsigned nid, struct job *job) {
    unsigned event;
    int error = hop(fd, nid, job);
    if (error) {
        errno = error;
        fail("hop to %u", nid);
    }
    event = serve(fd, job, NULL);
    if (event != POPCORN_EVENT_BACK)
        fail("event %u instead of BACK", event);
    return job->result;
}
