/* SPDX-License-Identifier: MIT */
/*
 * What the module's work costs beside what the bare network costs, in the same run and by turns, so that a
 * busy host slows both down. The bare network is a user program over plain TCP between the same two machines.
 */
#include "vm.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 6200
#define RESULTS (ARENA_PAGES - 8) /* pages for what a job has measured */
#define STRIDE 8u                 /* pages between two that a job touches: no guess is right */
#define SAMPLES 256u
#define BULK_PAGES 16384u /* 64 MiB */
#define BULK_RUNS 5u
#define IDLE_SECONDS 10

static char buffer[1 << 16];

static void all(int fd, void *data, size_t length, bool out) {
    for (char *at = data; length;) {
        ssize_t done = out ? write(fd, at, length) : read(fd, at, length);
        check(done > 0, "the bare connection");
        at += done;
        length -= (size_t)done;
    }
}

static void all_pieces(int fd, uint64_t length, bool out) {
    for (; length > sizeof buffer; length -= sizeof buffer)
        all(fd, buffer, sizeof buffer, out);
    all(fd, buffer, length, out);
}

static void no_delay(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* One client: 8 bytes say how many it wants. */
static _Noreturn void answer(int fd) {
    uint64_t size;
    no_delay(fd);
    while (read(fd, &size, sizeof size) == sizeof size)
        all_pieces(fd, size, true);
    _exit(0);
}

int answer_main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    check(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 5), "listen");
    for (;;) {
        int client = accept(listener, NULL, NULL);
        check(client >= 0, "accept");
        if (!fork())
            answer(client);
        close(client);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

static int bare_connect(uint32_t where) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = where};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof address), "connect");
    no_delay(fd);
    return fd;
}

/* 8 bytes there, `size` back: nanoseconds. */
static uint64_t exchange(int fd, uint64_t size) {
    uint64_t begin = now_ns();
    all(fd, &size, sizeof size, true);
    all_pieces(fd, size, false);
    return now_ns() - begin;
}

static void touch(uint64_t page, bool write) {
    volatile uint64_t *at = word(page, 5);
    if (write)
        *at = page;
    else
        (void)*at;
}

/* Pages between a and a + n * STRIDE, in no order, by turns with bare exchanges of `size`. */
void bench_faults(const struct bench_job *bench) {
    static uint64_t results[2 * SAMPLES];
    int fd = bare_connect(bench->origin);
    exchange(fd, 8);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        uint64_t begin;
        results[2 * i] = exchange(fd, bench->size);
        begin = now_ns();
        touch(bench->first + i * 37 % SAMPLES * STRIDE, bench->write);
        results[2 * i + 1] = now_ns() - begin;
    }
    close(fd);
    memcpy(word(RESULTS, 0), results, sizeof results);
}

static uint64_t touch_all(uint64_t first, uint64_t count, bool write) {
    uint64_t begin = now_ns();
    for (uint64_t i = 0; i < count; i++)
        touch(first + i, write);
    return now_ns() - begin;
}

/* BULK_PAGES pages in order, and as many bytes by TCP. */
void bench_bulk(const struct bench_job *bench) {
    int fd = bare_connect(bench->origin);
    uint64_t bare = exchange(fd, (uint64_t)BULK_PAGES * PAGE);
    uint64_t module = touch_all(bench->first, BULK_PAGES, bench->write);
    close(fd);
    *word(RESULTS, 0) = bare;
    *word(RESULTS, 1) = module;
}

static int by_value(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* A line for test/bench/vm: medians and 99th percentiles of the bare network and of the module. */
static void figure(const char *name, const uint64_t *pairs, unsigned count) {
    uint64_t one[2][512];
    check(count <= 512, "so many samples");
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < 2; k++)
            one[k][i] = pairs[2 * i + k];
    for (unsigned k = 0; k < 2; k++)
        qsort(one[k], count, sizeof **one, by_value);
    printf("# figure %s %lu %lu %lu %lu\n", name, one[0][count / 2], one[0][count * 99 / 100],
           one[1][count / 2], one[1][count * 99 / 100]);
}

static int by_ratio(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    double one = (double)x[1] / (double)x[0], two = (double)y[1] / (double)y[0];
    return (one > two) - (one < two);
}

/* Of few runs, the one with the median ratio: what makes the host slow in one is not set against another. */
static void figure_of_runs(const char *name, uint64_t *pairs, unsigned count) {
    qsort(pairs, count, 2 * sizeof *pairs, by_ratio);
    figure(name, &pairs[count / 2 * 2], 1);
}

/* Whether the figure is asked for: machine a's command line may name some (figures=bulk_read,hop). */
static bool wanted(const char *name) {
    const char *list = getenv("figures");
    const size_t length = strlen(name);
    while (list && *list) {
        if (!strncmp(list, name, length) && (!list[length] || list[length] == ','))
            return true;
        list = strchr(list, ',');
        list += list != NULL;
    }
    return !getenv("figures");
}

static void measure_hops(int fd, unsigned nid, uint32_t where) {
    static uint64_t pairs[2 * SAMPLES];
    struct job job = {.kind = JOB_ECHO};
    int bare;
    if (!wanted("hop"))
        return;
    bare = bare_connect(where);
    round_trip(fd, nid, &job);
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t begin;
        pairs[2 * i] = exchange(bare, 8);
        begin = now_ns();
        round_trip(fd, nid, &job);
        pairs[2 * i + 1] = now_ns() - begin;
    }
    close(bare);
    figure("hop", pairs, SAMPLES);
}

static void measure_faults(int fd, unsigned nid, const char *name, struct bench_job bench) {
    struct job job = {.kind = JOB_BENCH_FAULTS};
    if (!wanted(name))
        return;
    memcpy(job.pad, &bench, sizeof bench);
    touch_all(bench.first, SAMPLES * STRIDE, true);
    if (bench.size == 8) { /* it has them all, for reading */
        struct job sum = {.kind = JOB_SUM, .a = bench.first, .n = SAMPLES * STRIDE};
        round_trip(fd, nid, &sum);
    }
    round_trip(fd, nid, &job);
    figure(name, word(RESULTS, 0), SAMPLES);
}

static void measure_bulk(int fd, unsigned nid, const char *name, struct bench_job bench) {
    static uint64_t pairs[2 * BULK_RUNS];
    struct job job = {.kind = JOB_BENCH_BULK};
    if (!wanted(name))
        return;
    memcpy(job.pad, &bench, sizeof bench);
    for (unsigned i = 0; i < BULK_RUNS; i++) {
        touch_all(bench.first, BULK_PAGES, true);
        round_trip(fd, nid, &job);
        memcpy(&pairs[2 * i], word(RESULTS, 0), 2 * sizeof *pairs);
    }
    figure_of_runs(name, pairs, BULK_RUNS);
}

/* The other machine has them all. */
static void measure_home(int fd, unsigned nid, const char *name, struct bench_job bench, uint32_t where) {
    static uint64_t pairs[2 * BULK_RUNS];
    int bare;
    if (!wanted(name))
        return;
    bare = bare_connect(where);
    for (unsigned i = 0; i < BULK_RUNS; i++) {
        struct job job = {.kind = JOB_FILL, .a = bench.first, .n = BULK_PAGES, .b = i};
        round_trip(fd, nid, &job);
        pairs[2 * i] = exchange(bare, (uint64_t)BULK_PAGES * PAGE);
        pairs[2 * i + 1] = touch_all(bench.first, BULK_PAGES, bench.write);
    }
    close(bare);
    figure_of_runs(name, pairs, BULK_RUNS);
}

static int measure(unsigned nid, uint32_t there, uint32_t here) {
    pid_t pid;
    int status, fd;
    fflush(stdout);
    pid = fork();
    check(pid >= 0, "fork");
    if (pid) {
        check(waitpid(pid, &status, 0) == pid, "waitpid");
        return status;
    }
    check(!setgid(USER) && !setuid(USER), "the user");
    fd = program_open(AGENT_ACCEPT);
    measure_hops(fd, nid, there);
    measure_faults(fd, nid, "fault_read", (struct bench_job){.first = 0, .size = PAGE, .origin = here});
    measure_faults(fd, nid, "fault_write",
                   (struct bench_job){.first = 4096, .size = PAGE, .write = true, .origin = here});
    measure_faults(fd, nid, "fault_own",
                   (struct bench_job){.first = 8192, .size = 8, .write = true, .origin = here});
    measure_bulk(fd, nid, "bulk_read", (struct bench_job){.first = 12288, .origin = here});
    measure_bulk(fd, nid, "bulk_write", (struct bench_job){.first = 12288, .write = true, .origin = here});
    measure_home(fd, nid, "bulk_read_home", (struct bench_job){.first = 12288}, there);
    fflush(stdout);
    _exit(0);
}

/* Nanoseconds that the module's threads have run. */
static uint64_t module_cpu(void) {
    char path[300], comm[32];
    uint64_t sum = 0, ran;
    DIR *folder = opendir("/proc");
    check(folder, "/proc");
    for (struct dirent *entry; (entry = readdir(folder));) {
        bool ours;
        FILE *file;
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        file = *entry->d_name >= '1' && *entry->d_name <= '9' ? fopen(path, "r") : NULL;
        if (!file)
            continue;
        ours = fgets(comm, sizeof comm, file) && !strncmp(comm, "popcorn_", 8);
        fclose(file);
        snprintf(path, sizeof path, "/proc/%s/schedstat", entry->d_name);
        file = ours ? fopen(path, "r") : NULL;
        if (!file)
            continue;
        if (fscanf(file, "%lu", &ran) == 1)
            sum += ran;
        fclose(file);
    }
    closedir(folder);
    return sum;
}

/* Messages sent and received: keep-alives, and others. */
static void messages(uint64_t count[2]) {
    FILE *file = fopen("/sys/kernel/debug/popcorn/stats", "r");
    char line[128], name[64];
    uint64_t sent, received;
    check(file, "popcorn/stats");
    count[0] = count[1] = 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "message_%63s sent %lu received %lu", name, &sent, &received) == 3)
            count[strcmp(name, "keepalive") != 0] += sent + received;
    fclose(file);
}

void measure_idle(unsigned seconds, uint64_t *keepalives, uint64_t *others, uint64_t *cpu_ns) {
    uint64_t before[2], after[2], cpu = module_cpu();
    messages(before);
    sleep(seconds);
    messages(after);
    *cpu_ns = module_cpu() - cpu;
    *keepalives = after[0] - before[0];
    *others = after[1] - before[1];
}

int bench_main(unsigned nid, const char *there, const char *here) {
    uint64_t keepalives, others, cpu;
    int status;
    if (wanted("idle")) {
        measure_idle(IDLE_SECONDS, &keepalives, &others, &cpu);
        printf("# figure idle %lu %lu %lu %d\n", keepalives, others, cpu, IDLE_SECONDS);
    }
    status = measure(nid, inet_addr(there), inet_addr(here));
    printf("%s - bench\n", status ? "not ok" : "ok");
    return status != 0;
}
