/* SPDX-License-Identifier: MIT */
/* Points, requests, refusals and statistics, with a backend and a stack transformation that only take notes.
 */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "popcorn/stack.h"
#include "shared.h"

long popcorn_point(const struct machine_context *);
long popcorn_migrate_shim(const struct machine_context *, long nid);

static struct popcorn_thread thread;
static struct popcorn_trigger_state triggers;
static struct machine_block { void *self, *data_stack, *thread, *cancel; } block;
static struct machine_context context;
static struct popcorn_node_list nodes;
static char error[POPCORN_ERROR_SIZE];
static char message[512];
static int capture_error, send_error, rebuilt, sent_to, node_two_available;
static jmp_buf escape;

volatile char __popcorn_flag;

/*
 * The machine, the stack transformation and the run time, as far as they matter here.
 */
void *machine_thread_pointer(void) {
    return &block;
}

int64_t clock_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

long machine_generic_syscall(long n, long a, long b, long c, long d, long e, long f) {
    (void)e, (void)f;
    struct timespec t;
    switch (n) {
    case 113:
        clock_gettime((clockid_t)a, &t);
        memcpy((void *)b, &t, sizeof t);
        return 0;
    case 17:
        return syscall(SYS_getcwd, a, b);
    case 56:
        return syscall(SYS_openat, a, b, c, d);
    case 57:
        return syscall(SYS_close, a);
    case 64:
        return syscall(SYS_write, a, b, c);
    }
    return -ENOSYS;
}

int stack_capture(struct popcorn_thread *t, const struct machine_context *c, uint64_t value,
                  enum popcorn_landing landing, char reason[STACK_REASON_SIZE]) {
    (void)c, (void)value;
    strcpy(reason, "no call-site record");
    if (capture_error)
        return capture_error;
    t->frames = 3;
    t->bytes = 96;
    t->landing = landing;
    t->from = t->node;
    return 0;
}

_Noreturn void stack_rebuild(struct popcorn_thread *t) {
    (void)t;
    rebuilt++;
    longjmp(escape, 1);
}

int stack_function_find(const char *name) {
    return strcmp(name, "main") ? -1 : 1;
}

int stack_point_function(const struct popcorn_thread *t, const struct machine_context *c) {
    (void)t;
    return c->reg[MACHINE_RA] == 0x1234 ? 1 : -1;
}

static int count(void) {
    return nodes.count;
}

static int info(int nid, struct popcorn_node *out) {
    if (nid < 0 || nid >= nodes.count)
        return -EINVAL;
    *out = (struct popcorn_node){.origin = nid == 0, .available = nid != 2 || node_two_available};
    strcpy(out->isa, nodes.isa[nid]);
    return 0;
}

static int send(struct popcorn_thread *t, int nid, char reason[POPCORN_REASON_SIZE]) {
    (void)t;
    sent_to = nid;
    if (!send_error)
        longjmp(escape, 2);
    strcpy(reason, "the node has gone");
    return send_error;
}

static const struct popcorn_backend backend = {"test", count, info, send};
long (*stack_landed)(struct popcorn_thread *, long);

__attribute__((constructor)) static void set_backend(void) {
    popcorn_backend = &backend;
}

void *popcorn_portable_map(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

int descriptors_keep(int fd) {
    return fd;
}

void popcorn_portable_unmap(void *p, size_t bytes) {
    munmap(p, bytes);
}

void popcorn_message(const char *text) {
    snprintf(message, sizeof message, "%s", text);
}

void popcorn_hold_signals(void) {}

void popcorn_release_signals(void) {}

void popcorn_require_room(const struct popcorn_thread *t) {
    (void)t;
}

long popcorn_fork_landed(struct popcorn_thread *t) {
    (void)t;
    return 4711;
}

/*
 * Tests.
 */
static void begin(void) {
    static const char *const isas[] = {"x86_64", "aarch64", "riscv64"};
    nodes_parse(&nodes, NULL, isas, 3, error);
    memset(&thread, 0, sizeof thread);
    thread.tid = 99;
    thread.triggers = &triggers;
    block.thread = &thread;
    node_two_available = 1;
    sent_to = -1;
}

TestSuite(migration, .init = begin, .timeout = 60);

static struct migration_shared *state;

static bool start(char *a, char *b) {
    char *envp[] = {"HOME=/", a, a ? b : NULL, NULL};
    state = migration_start(envp, &nodes, error);
    if (state)
        migration_thread_begin(&thread);
    return state != NULL;
}

enum { STAYED, REBUILT, SENT };

/* A point: what became of the thread; *result is what the point returned if it stayed. */
static int point(long *result) {
    int how = setjmp(escape);
    if (how)
        return how;
    long r = popcorn_point(&context);
    if (result)
        *result = r;
    return STAYED;
}

static int shim(long nid, long *result) {
    int how = setjmp(escape);
    if (how)
        return how;
    *result = popcorn_migrate_shim(&context, nid);
    return STAYED;
}

Test(migration, flag_is_down_without_anything_to_look_for) {
    cr_assert(start(NULL, NULL));
    cr_assert(eq(int, __popcorn_flag, 0));
    cr_assert(not(migration_wants_nodes()));
}

Test(migration, wrong_variables_are_one_line) {
    cr_assert(not(start("POPCORN_MIGRATE=sometimes", NULL)));
    cr_assert(zero(strncmp(error, "POPCORN_MIGRATE: rule \"sometimes\": ", 35)), "%s", error);
    cr_assert(not(start("X86_64_MIGRATE_START=5", "X86_64_MIGRATE_END=4")));
}

Test(migration, self_rebuilds_at_every_point) {
    cr_assert(start("POPCORN_MIGRATE=every:1@self", NULL));
    cr_assert(eq(int, __popcorn_flag, 1));
    cr_assert(not(migration_wants_nodes()));
    cr_assert(eq(int, point(NULL), REBUILT));
    cr_assert(eq(int, point(NULL), REBUILT));
}

Test(migration, flag_falls_when_the_last_rule_has_fired) {
    struct popcorn_thread second = thread;
    struct popcorn_trigger_state second_triggers;
    second.triggers = &second_triggers;
    cr_assert(start("POPCORN_MIGRATE=2@1", NULL));
    cr_assert(migration_wants_nodes());
    migration_thread_begin(&second);
    cr_assert(eq(int, point(NULL), STAYED));
    cr_assert(eq(int, point(NULL), SENT));
    cr_assert(eq(int, sent_to, 1));
    cr_assert(eq(int, __popcorn_flag, 1), "the second thread's rule can still fire");
    migration_thread_end(&second);
    cr_assert(eq(int, __popcorn_flag, 0));
}

Test(migration, requests_come_first_and_once) {
    cr_assert(start(NULL, NULL));
    cr_assert(eq(int, migration_request(&thread, 3), -EINVAL));
    cr_assert(eq(int, migration_request(&thread, -1), -EINVAL));
    cr_assert(eq(int, __popcorn_flag, 0));
    cr_assert(zero(migration_request(&thread, 1)));
    cr_assert(zero(migration_request(&thread, 2)));
    cr_assert(eq(int, __popcorn_flag, 1));
    cr_assert(eq(int, point(NULL), SENT));
    cr_assert(eq(int, sent_to, 2), "the later request replaces the earlier");
    cr_assert(eq(int, __popcorn_flag, 0));
    cr_assert(eq(int, point(NULL), STAYED));
}

Test(migration, request_to_where_it_is) {
    cr_assert(start(NULL, NULL));
    migration_request(&thread, 0);
    cr_assert(eq(int, point(NULL), STAYED));
    cr_assert(eq(int, __popcorn_flag, 0));
}

Test(migration, no_hop_while_pinned) {
    cr_assert(start("POPCORN_MIGRATE=1@self", NULL));
    thread.pinned = 1;
    long r;
    cr_assert(eq(int, point(NULL), STAYED));
    cr_assert(eq(int, shim(1, &r), STAYED));
    cr_assert(eq(long, r, -EBUSY));
    thread.pinned = 0;
    cr_assert(eq(int, point(NULL), REBUILT), "put off, not lost");
}

Test(migration, next_passes_over_a_failed_node) {
    cr_assert(start("POPCORN_MIGRATE=every:1", NULL));
    thread.node = 1;
    node_two_available = 0;
    cr_assert(eq(int, point(NULL), SENT));
    cr_assert(eq(int, sent_to, 0));
}

Test(migration, function_of_a_point) {
    cr_assert(start("POPCORN_MIGRATE=func:main@self", NULL));
    context.reg[MACHINE_RA] = 0x4321;
    cr_assert(eq(int, point(NULL), STAYED));
    context.reg[MACHINE_RA] = 0x1234;
    cr_assert(eq(int, point(NULL), REBUILT));
    cr_assert(eq(int, point(NULL), STAYED), "it has fired");
}

Test(migration, shim_answers) {
    long r;
    cr_assert(start(NULL, NULL));
    cr_assert(eq(int, shim(0, &r), STAYED));
    cr_assert(zero(r));
    cr_assert(eq(int, shim(3, &r), STAYED));
    cr_assert(eq(long, r, -EINVAL));
    node_two_available = 0;
    cr_assert(eq(int, shim(2, &r), STAYED));
    cr_assert(eq(long, r, -ENODEV));
    cr_assert(eq(int, shim(1, &r), SENT));
    cr_assert(eq(int, shim(-1, &r), STAYED));
    cr_assert(zero(r));
}

Test(migration, answers_about_nodes) {
    struct popcorn_node_answer a;
    cr_assert(start(NULL, NULL));
    cr_assert(eq(long, __popcorn_node(POPCORN_NODE_COUNT, 0, NULL), 3));
    cr_assert(zero(__popcorn_node(POPCORN_NODE_CURRENT, 0, NULL)));
    cr_assert(zero(__popcorn_node(POPCORN_NODE_DESCRIBE, 1, &a)));
    cr_assert(eq(str, a.isa, "aarch64"));
    cr_assert(zero(a.origin));
    cr_assert(eq(long, __popcorn_node(POPCORN_NODE_DESCRIBE, 3, &a), -EINVAL));
    cr_assert(eq(long, __popcorn_node(POPCORN_NODE_TID, 0, NULL), 99));
    cr_assert(eq(long, __popcorn_node(POPCORN_NODE_REQUESTED, 0, NULL), -1));
    cr_assert(eq(long, __popcorn_node(17, 0, NULL), -EINVAL));
}

static cJSON *read_statistics(const char *path) {
    static char text[40 << 20];
    FILE *f = fopen(path, "r");
    cr_assert(f != NULL);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    unlink(path);
    cJSON *json = cJSON_Parse(text);
    cr_assert(json != NULL, "no JSON: %.400s", text);
    return json;
}

static double number(const cJSON *json, const char *name) {
    return cJSON_GetObjectItem(json, name)->valuedouble;
}

static char *temporary(char *variable, const char *name) {
    sprintf(variable, "POPCORN_STATS=/tmp/popcorn-unit-%s.%d", name, getpid());
    return strchr(variable, '=') + 1;
}

Test(migration, counts_refusals_by_reason) {
    char variable[100], *path = temporary(variable, "refusals");
    cr_assert(start("POPCORN_MIGRATE=every:1@1", variable));
    state->verbose = true;
    long r;
    send_error = -EPIPE;
    cr_assert(eq(int, point(&r), STAYED));
    cr_assert(eq(long, r, -EPIPE));
    cr_assert(eq(str, message, "hop refused: the node has gone"));
    message[0] = 0;
    point(&r);
    cr_assert(eq(str, message, ""), "told once");
    capture_error = -ENOENT;
    point(&r);
    cr_assert(eq(long, r, -ENOENT));
    stats_write(&thread);
    cJSON *json = read_statistics(path);
    cr_assert(eq(dbl, number(json, "points"), 3));
    cr_assert(eq(dbl, number(json, "refusals"), 3));
    cr_assert(zero(number(json, "migrations")));
    cJSON *reasons = cJSON_GetObjectItem(json, "refusal_reasons");
    cr_assert(eq(int, cJSON_GetArraySize(reasons), 2));
    cr_assert(eq(dbl, number(cJSON_GetArrayItem(reasons, 0), "count"), 2));
}

Test(migration, lists_hops) {
    char variable[100], *path = temporary(variable, "hops");
    cr_assert(start("POPCORN_MIGRATE=every:1@1", variable));
    cr_assert(eq(int, point(NULL), SENT));
    thread.node = 1;
    thread.times.accepted = thread.times.capture_end + 20500;
    cr_assert(eq(long, stack_landed(&thread, 1), 1));
    thread.landing = POPCORN_LANDING_FORK;
    cr_assert(eq(long, stack_landed(&thread, 1), 4711));
    stats_write(&thread);
    cJSON *json = read_statistics(path), *hops = cJSON_GetObjectItem(json, "hops");
    cr_assert(eq(int, cJSON_GetArraySize(hops), 2));
    cJSON *hop = cJSON_GetArrayItem(hops, 0);
    cr_assert(zero(number(hop, "from")));
    cr_assert(eq(dbl, number(hop, "to"), 1));
    cr_assert(eq(dbl, number(hop, "thread"), 99));
    cr_assert(eq(dbl, number(hop, "frames"), 3));
    cr_assert(eq(dbl, number(hop, "bytes"), 96));
    cr_assert(epsilon_eq(dbl, number(hop, "transfer_us"), 20.5, 1e-9));
    cr_assert(eq(dbl, number(json, "bytes"), 192));
    cr_assert(eq(str, cJSON_GetArrayItem(cJSON_GetObjectItem(json, "nodes"), 1)->valuestring, "aarch64"));
}

Test(migration, list_of_hops_has_an_end) {
    char variable[100], *path = temporary(variable, "many");
    cr_assert(start(variable, NULL));
    for (int i = 0; i < 110000; i++)
        stack_landed(&thread, 0);
    stats_write(&thread);
    cJSON *json = read_statistics(path);
    int listed = cJSON_GetArraySize(cJSON_GetObjectItem(json, "hops"));
    cr_assert(ge(int, listed, 100000));
    cr_assert(eq(dbl, number(json, "hops_not_listed"), 110000 - listed));
    cr_assert(eq(dbl, number(json, "migrations"), 110000));
}

static void *land_often(void *arg) {
    struct popcorn_thread own = thread;
    (void)arg;
    for (int i = 0; i < 20000; i++)
        stack_landed(&own, 0);
    return NULL;
}

Test(migration, threads_count_together) {
    char variable[100], *path = temporary(variable, "threads");
    cr_assert(start(variable, NULL));
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, land_often, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    stats_write(&thread);
    cJSON *json = read_statistics(path);
    cr_assert(eq(dbl, number(json, "migrations"), 80000));
    cr_assert(eq(int, cJSON_GetArraySize(cJSON_GetObjectItem(json, "hops")), 80000));
}

Test(migration, statistics_path_is_taken_at_the_start) {
    cr_assert(zero(chdir("/tmp")));
    cr_assert(start("POPCORN_STATS=popcorn-unit-relative", NULL));
    cr_assert(zero(chdir("/")));
    stats_write(&thread);
    read_statistics("/tmp/popcorn-unit-relative");
}

Test(migration, unwritable_statistics_are_one_line) {
    cr_assert(start("POPCORN_STATS=/nowhere/x", NULL));
    stats_write(&thread);
    cr_assert(zero(strncmp(message, "cannot write statistics to /nowhere/x: ", 39)), "%s", message);
}

Test(migration, child_of_fork_writes_nothing) {
    char variable[100], *path = temporary(variable, "fork");
    cr_assert(start(variable, NULL));
    migration_forked(&thread);
    cr_assert(eq(int, __popcorn_flag, 0));
    stats_write(&thread);
    cr_assert(ne(int, access(path, F_OK), 0));
}

Test(migration, a_point_is_cheap) {
    cr_assert(start("POPCORN_MIGRATE=1000000000", NULL));
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < 10000000; i++)
        popcorn_point(&context);
    clock_gettime(CLOCK_MONOTONIC, &b);
    double ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 1e7;
    cr_log_info("%.1f ns a point", ns);
    cr_assert(lt(dbl, ns, 100), "%.1f ns a point", ns);
}
