/* SPDX-License-Identifier: MIT */
/*
 * A node that is trusted with programs, and lies. A program of this machine comes to it, and it sends one
 * here; it knows all names, and says anything about them in any order: requests of all types, and answers
 * that are right, wrong or missing. Nothing is expected but that the program ends when it is killed, and the
 * connection when it is closed.
 */
#include "fake.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEYS = 4, VICTIM_HOPS = 50, LIES = 60, BODY = 1024 };

struct key {
    uint64_t context;
    uint32_t pid, hop;
};

/* The names that it knows: of threads that have come, and of its own. */
static struct key keys[KEYS];
static unsigned known;

static void learn(const struct key *key) {
    keys[known++ % KEYS] = *key;
}

/* Its home is here: it goes to the liar as often as it is let go, and touches its memory. */
static _Noreturn void victim(void) {
    check(!setgid(USER) && !setuid(USER), "the user");
    int fd = program_open(AGENT_ACCEPT);
    alarm(20 * patience());
    for (unsigned i = 0; i < VICTIM_HOPS; i++) {
        struct job job = {.kind = JOB_ECHO};
        struct popcorn_serve serve = {.blob = (uintptr_t)&job, .blob_len = sizeof job};
        *word(i % 16, i) = i;
        if (hop(fd, FAKE, &job))
            continue;
        while (!ioctl(fd, POPCORN_IOC_SERVE, &serve) &&
               (serve.event == POPCORN_EVENT_SYSCALL || serve.event == POPCORN_EVENT_NONE)) {
            serve = (struct popcorn_serve){
                .answer = serve.id, .blob = (uintptr_t)&job, .blob_len = sizeof job, .timeout_ms = 20};
            *word(i % 16, 3) += 1;
        }
    }
    _exit(0);
}

/* Bodies: lengths by type, of requests and what goes one way; and where a key belongs, it is one that is
 * known. */
static const uint16_t lengths[TYPES] = {
    [KEEPALIVE] = 24,       [MIGRATE_NACK] = 24, [PAIRING] = 24,     [EXIT_ORIGIN] = 24, [EXIT_REMOTE] = 24,
    [SYSCALL_FWD] = 72,     [SIGNAL_FWD] = 40,   [REMOTE_PAGE] = 24, [PAGE_FETCH] = 24,  [PAGE_DISCARD] = 24,
    [PAGE_INVALIDATE] = 24, [WORKER_TELL] = 8,   [TASK_CANCEL] = 16};

static bool is_request(unsigned type) {
    return type == PAIRING || type == MIGRATE_BACK || type >= SYSCALL_FWD;
}

static void put_number(uint8_t *body, size_t at, uint32_t number) {
    memcpy(body + at, &number, sizeof number);
}

static void any_body(uint8_t *body, unsigned type) {
    const struct key *key = &keys[fake_random(KEYS)];
    fake_fill(body, 128);
    if (fake_random(8))
        memcpy(body, key, type >= REMOTE_PAGE && type <= WORKER_TELL ? sizeof key->context : sizeof *key);
    if (type >= REMOTE_PAGE && type <= PAGE_DISCARD && fake_random(8)) {
        memset(body + 8, 0, 16);
        put_number(body, 8, fake_random(24));
        put_number(body, 16, type == PAGE_DISCARD ? fake_random(24) : 1 | fake_random(UINT32_MAX));
        put_number(body, 20, type == PAGE_DISCARD ? 0 : fake_random(2));
    }
    if (type == MIGRATE_NACK)
        put_number(body, 16, 1 + fake_random(130));
    if (type == SIGNAL_FWD)
        put_number(body, 16, fake_random(16) ? 0 : SIGKILL);
}

/* A thread comes from here, of a program that the agent will make a process for. */
static void send_thread(int fd) {
    enum { MIGRATE = 344 };
    static uint8_t body[BODY];
    struct job job = {.kind = fake_random(2) ? JOB_FILL : JOB_SYSCALL, .n = 4, .b = 5};
    struct key key = {1 + fake_random(4), 1 + fake_random(3), 1 + fake_random(9)};
    memset(body, 0, sizeof body);
    memcpy(body, &key, sizeof key);
    put_number(body, 16, ARENA_PAGES);
    put_number(body, 24, USER);
    put_number(body, 28, USER);
    body[32] = fake_random(4) ? AGENT_ACCEPT : AGENT_WALK;
    memset(body + 80, 255, 256); /* no limits */
    put_number(body, 336, sizeof job);
    put_number(body, 340, fake_random(2));
    memcpy(body + MIGRATE, &job, sizeof job);
    learn(&key);
    fake_send(fd, fake_header(TASK_MIGRATE, 0, MIGRATE + sizeof job, 0), body);
}

static void send_back(int fd, uint64_t id) {
    static uint8_t body[24 + sizeof(struct job)];
    struct job job = {.kind = JOB_ECHO};
    unsigned length = fake_random(8) ? sizeof job : 1 + fake_random(sizeof job);
    any_body(body, MIGRATE_BACK);
    put_number(body, 16, fake_random(4) ? 0 : fake_random(12));
    put_number(body, 20, length);
    memcpy(body + 24, &job, sizeof job);
    fake_send(fd, fake_header(MIGRATE_BACK, REQUEST, 24 + length, id), body);
}

static void lie(int fd, uint64_t id) {
    static uint8_t body[BODY];
    unsigned type = TASK_MIGRATE + fake_random(TYPES - TASK_MIGRATE);
    if (type == TASK_MIGRATE) {
        send_thread(fd);
    } else if (type == MIGRATE_BACK) {
        send_back(fd, id);
    } else {
        any_body(body, type);
        fake_send(fd,
                  fake_header(type, is_request(type) ? REQUEST : 0, lengths[type], is_request(type) ? id : 0),
                  body);
    }
}

/* What a request is answered with: as it should be, or as no honest peer would, or not at all. */
static void answer(int fd, const struct fake_header *ask, const uint8_t *asked) {
    static uint8_t reply[16 + 32 * PAGE];
    uint32_t set, error = 1 + fake_random(133);
    unsigned length = 0;
    if (!fake_random(16))
        return;
    if (!fake_random(6)) {
        fake_send(fd, fake_header(ask->type, REPLY | NACK, sizeof error, ask->id), &error);
        return;
    }
    memset(reply, 0, 16);
    if (ask->type == SYSCALL_FWD)
        length = 8;
    if (ask->type >= REMOTE_PAGE && ask->type <= PAGE_INVALIDATE) {
        memcpy(&set, asked + 16, sizeof set);
        if (!fake_random(4))
            set &= fake_random(UINT32_MAX);
        length = 16;
        if (ask->type == PAGE_INVALIDATE || !fake_random(8))
            put_number(reply, 0, set);
        else if (ask->type == REMOTE_PAGE && fake_random(2))
            put_number(reply, 4, set);
        else
            put_number(reply, 8, set), length += (unsigned)__builtin_popcount(set) * PAGE;
    }
    fake_send(fd, fake_header(ask->type, REPLY, length, ask->id), reply);
}

/* Takes what has come. False if the module has closed. */
static bool listen_to(int fd) {
    static uint8_t body[1 << 18];
    struct pollfd wait = {fd, POLLIN, 0};
    struct fake_header got;
    while (poll(&wait, 1, (int)fake_random(3)) > 0) {
        if (recv(fd, &got, sizeof got, MSG_WAITALL) != sizeof got || got.length > sizeof body ||
            (got.length && recv(fd, body, got.length, MSG_WAITALL) != (ssize_t)got.length))
            return false;
        if (got.flags == REQUEST)
            answer(fd, &got, body);
        if (got.type != TASK_MIGRATE)
            continue;
        learn((const struct key *)(const void *)body);
        if (fake_random(8))
            fake_send(fd, fake_header(PAIRING, REQUEST, lengths[PAIRING], 1000 + fake_random(1 << 20)), body);
    }
    return true;
}

int liar_main(unsigned seconds) {
    uint64_t end = now_ns() + seconds * 1000000000ull;
    unsigned lies = 0, connections = 0;
    for (; now_ns() < end; connections++) {
        int fd = fake_join(FAKE), status;
        fflush(stdout);
        pid_t pid = fork();
        check(pid >= 0, "fork");
        if (!pid)
            victim();
        for (unsigned i = 0; i < LIES && listen_to(fd); i++, lies++)
            lie(fd, 1 + i);
        shutdown(fd, SHUT_WR);
        check(fake_closed(fd), "the end of the connection");
        close(fd);
        kill(pid, SIGKILL);
        check(waitpid(pid, &status, 0) == pid, "the end of the program");
    }
    printf("# %u lies on %u connections\n", lies, connections);
    return 0;
}
