/* SPDX-License-Identifier: MIT */
#include "travel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A program goes to a node and back, and asks for all that it may.
 */

static uint64_t value = 0x123456789a;

static enum outcome go(int fd, unsigned nid, struct job *job, unsigned event) {
    unsigned got;
    if (hop(fd, nid, job))
        return REFUSED;
    got = serve(fd, job, NULL);
    if (got == POPCORN_EVENT_LOST)
        return REFUSED;
    if (got != event)
        fail("event %u instead of %u", got, event);
    return RIGHT;
}

static enum outcome carry_pages(int fd, unsigned nid) {
    enum { PAGES = 6 }; /* one, a window, and what is asked for ahead of it */
    fill_pages(0, PAGES, 1);
    for (uint64_t seed = 1; seed < 3; seed++) {
        struct job job = {.kind = JOB_VERIFY, .n = PAGES, .b = seed, .c = seed + 1};
        bool refused = go(fd, nid, &job, POPCORN_EVENT_BACK) == REFUSED;
        check(refused || !job.result, "what the other node saw");
        check(!wrong_words(0, PAGES, refused ? seed : seed + 1), "what is in memory");
        if (refused)
            return REFUSED;
    }
    return RIGHT;
}

static enum outcome make_calls(int fd, unsigned nid) {
    struct job job = {.kind = JOB_SYSCALL, .n = 3};
    if (go(fd, nid, &job, POPCORN_EVENT_BACK) == REFUSED)
        return REFUSED;
    check(!job.result, "what the shadow answered");
    return RIGHT;
}

static enum outcome take_signal(int fd, unsigned nid) {
    struct popcorn_signal sent = {.signo = SIGUSR1, .code = SI_QUEUE, .pid = 1, .uid = USER, .value = value};
    struct job job = {.kind = JOB_SIGNAL};
    if (go(fd, nid, &job, POPCORN_EVENT_SYSCALL) == REFUSED || ioctl(fd, POPCORN_IOC_SIGNAL, &sent) ||
        serve(fd, &job, NULL) != POPCORN_EVENT_BACK)
        return REFUSED;
    check(job.b == value, "the signal's value");
    return RIGHT;
}

static enum outcome forget_pages(int fd, unsigned nid) {
    struct popcorn_range range = {.index = 4, .count = 6};
    struct job job = {.kind = JOB_FILL, .a = 4, .n = 2, .b = 3};
    if (go(fd, nid, &job, POPCORN_EVENT_BACK) == REFUSED)
        return REFUSED;
    if (ioctl(fd, POPCORN_IOC_DISCARD, &range))
        return REFUSED;
    for (uint64_t page = 4; page < 10; page++)
        for (unsigned i = 0; i < PAGE / 8; i++)
            check(!*word(page, i), "zeros");
    return ioctl(fd, POPCORN_IOC_TELL, &nid) ? REFUSED : RIGHT;
}

static enum outcome end_there(int fd, unsigned nid) {
    struct job job = {.kind = JOB_EXIT, .n = 42};
    return go(fd, nid, &job, POPCORN_EVENT_EXIT);
}

/*
 * A traveller is a user's process with a program that makes steps. What a program does at first and at its
 * end is tried with a new one each time; for the rest one goes on as long as it can.
 */
static const struct step {
    enum outcome (*make)(int fd, unsigned nid);
    bool anew;
} steps[] = {
    {carry_pages, true}, {make_calls, false}, {take_signal, false}, {forget_pages, false}, {end_there, true}};
_Static_assert(sizeof steps / sizeof *steps == TRAVEL_STEPS, "steps");

bool travel_anew(unsigned step) {
    return steps[step].anew;
}

static struct {
    pid_t pid; /* 0: there is none */
    int orders;
} traveller;

static _Noreturn void travel(int orders, unsigned nid) {
    struct popcorn_origin origin = {.pages = ARENA_PAGES, .hash = {AGENT_ACCEPT}};
    uint8_t byte;
    check(!setgid(USER) && !setuid(USER), "the user");
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    bool refused = fd < 0 || ioctl(fd, POPCORN_IOC_ORIGIN, &origin) ||
                   mmap(ARENA, (size_t)ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != ARENA;
    while (read(orders, &byte, 1) == 1) {
        alarm(60 * patience());
        byte = refused ? REFUSED : (uint8_t)steps[byte].make(fd, nid);
        check(write(orders, &byte, 1) == 1, "the outcome");
    }
    _exit(0);
}

static void start_traveller(unsigned nid) {
    int pair[2];
    check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
    fflush(stdout);
    traveller.pid = fork();
    check(traveller.pid >= 0, "fork");
    if (!traveller.pid) {
        close(pair[1]);
        travel(pair[0], nid);
    }
    close(pair[0]);
    traveller.orders = pair[1];
}

/* How it has ended, if it had to: SIGBUS is a page that was lost with the connection. */
static enum outcome end_traveller(void) {
    int status;
    if (!traveller.pid)
        return RIGHT;
    close(traveller.orders);
    check(waitpid(traveller.pid, &status, 0) == traveller.pid, "waitpid");
    traveller.pid = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
        return REFUSED;
    if (WIFSIGNALED(status))
        printf("# the program ended by signal %d\n", WTERMSIG(status));
    return status ? WRONG : RIGHT;
}

static enum outcome order(unsigned step) {
    uint8_t byte = (uint8_t)step;
    if (send(traveller.orders, &byte, 1, MSG_NOSIGNAL) == 1 && read(traveller.orders, &byte, 1) == 1)
        return (enum outcome)byte;
    enum outcome end = end_traveller();
    return end == RIGHT ? WRONG : end;
}

/* One that can make the step: it just has. What its node's process has met may keep it from going there
 * again. */
static enum outcome get_ready(unsigned nid, unsigned step) {
    if (traveller.pid && order(step) == RIGHT)
        return RIGHT;
    end_traveller();
    start_traveller(nid);
    return order(step);
}

static enum outcome make_step(unsigned nid, unsigned step) {
    if (!steps[step].anew)
        return order(step);
    start_traveller(nid);
    enum outcome outcome = order(step), end = end_traveller();
    return end == RIGHT ? outcome : end;
}

enum outcome travel_obey(unsigned nid, struct order order) {
    switch (order.what) {
    case GET_READY:
        wait_node(nid, POPCORN_NODE_UP);
        return get_ready(nid, order.step);
    case MAKE_STEP:
        return make_step(nid, order.step);
    }
    return end_traveller();
}

/* For the other machine: does what it says. */
int travellers_main(unsigned nid) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(TRAVEL_PORT)};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client;
    struct order order;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    check(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 1), "listen");
    client = accept(listener, NULL, NULL);
    check(client >= 0, "accept");
    while (recv(client, &order, sizeof order, MSG_WAITALL) == sizeof order) {
        uint8_t byte = (uint8_t)travel_obey(nid, order);
        check(write(client, &byte, 1) == 1, "answer");
    }
    return 0;
}
