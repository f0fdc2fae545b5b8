/* SPDX-License-Identifier: MIT */
/*
 * On a kernel that can make allocations fail: of those that the module's code makes in a round, the first one
 * fails, in the next round the second one, and so on until none has failed. A round is one step of what is
 * tried, right or refused; whatever fails, the program that it hits ends or goes on with right memory, and
 * nothing of it stays.
 */
#include "fake.h"
#include "inject.h"
#include "travel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* So many rounds of a step may be refused for another reason than an allocation's. */
#define EARLY_MAX 20

static unsigned other;
static int guide; /* to the other machine's travellers */

static enum outcome at_home(struct order order) {
    return travel_obey(other, order);
}

static enum outcome from_there(struct order order) {
    uint8_t byte;
    check(write(guide, &order, sizeof order) == sizeof order && read(guide, &byte, 1) == 1,
          "the other machine");
    return (enum outcome)byte;
}

/* A node comes and is sent away. */
static enum outcome peer_comes(struct order order) {
    int pair[2], fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    unsigned nid = FAKE;
    char sink[256];
    (void)order;
    if (fd < 0)
        return REFUSED;
    check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
    struct popcorn_peer peer = {.fd = pair[0], .nid = nid};
    struct pollfd wait = {.fd = pair[1], .events = POLLIN};
    bool refused = ioctl(fd, POPCORN_IOC_PEER_ADD, &peer);
    if (refused) {
        close(pair[0]);
    } else {
        check(poll(&wait, 1, 20000 * (int)patience()) == 1, "HELLO, or the end");
        refused = recv(pair[1], sink, sizeof sink, 0) <= 0;
        ioctl(fd, POPCORN_IOC_PEER_REMOVE, &nid);
        while (recv(pair[1], sink, sizeof sink, 0) > 0)
            ;
    }
    close(pair[1]);
    close(fd);
    wait_node(FAKE, POPCORN_NODE_DOWN);
    return refused ? REFUSED : RIGHT;
}

static const char *loading; /* a command */

static enum outcome module_is_loaded(struct order order) {
    (void)order;
    check(system("rmmod popcorn 2>/dev/null; ! grep -q . /proc/modules") == 0, "the module is unloaded");
    return system(loading) ? REFUSED : RIGHT;
}

/* All that the round has made is gone, and the nodes are connected. */
static void wait_for_quiet(long live) {
    wait_node(other, POPCORN_NODE_UP);
    for (int i = 0; stat_value("live") != live || stat_value("pages"); i++) {
        if (i == 600 * (int)patience())
            fail("%ld objects and %ld pages are left", stat_value("live") - live, stat_value("pages"));
        usleep(50000);
    }
}

/* What is tried, and what came of it. */
struct trial {
    const char *name;
    enum outcome (*obey)(struct order); /* on whichever machine */
    unsigned steps;                     /* 1: there are no programs */
    long live;                          /* objects of the module without the trial; -1: it is not known */
    unsigned long failed, outcomes[OUTCOMES];
};

/* One round, in which the nth allocation fails if there are so many. */
static enum outcome make_round(struct injector *injector, const struct trial *trial, uint8_t step,
                               unsigned long nth, bool *failed) {
    bool goes_on = trial->steps > 1 && !travel_anew(step);
    enum outcome outcome;
    for (int i = 0; goes_on && trial->obey((struct order){GET_READY, step}) != RIGHT; i++)
        check(i < EARLY_MAX, "a program that can make the step");
    inject_arm(injector, nth);
    outcome = trial->obey((struct order){MAKE_STEP, step});
    *failed = inject_disarm(injector);
    if (trial->live >= 0 && !goes_on)
        wait_for_quiet(trial->live);
    /* The allocation's turn is still to come: in the next step, or, if something else (its time was over, on
     * a busy host) ended this one early, in another round. */
    if (!*failed && trial->live >= 0)
        inject_catch_up(injector);
    return outcome;
}

/* Rounds of a step until one is right, and none has failed in it. False if there is none. */
static bool try_step(struct injector *injector, struct trial *trial, uint8_t step) {
    static const char *const names[] = {[RIGHT] = "right", [WRONG] = "wrong", [REFUSED] = "refused"};
    unsigned long nth = 1, early = 0;
    enum outcome outcome;
    bool failed;
    do {
        uint64_t begin = now_ns();
        outcome = make_round(injector, trial, step, nth, &failed);
        printf("# %s: step %u, round %lu %s%s, %lu ms\n", trial->name, step, nth, names[outcome],
               failed ? "" : ", none failed", (unsigned long)((now_ns() - begin) / 1000000));
        trial->outcomes[outcome]++;
        trial->failed += failed;
        nth += failed;
        early += !failed;
    } while (failed || (outcome == REFUSED && early < EARLY_MAX));
    return outcome == RIGHT;
}

static bool try_all(struct injector *injector, struct trial trial) {
    bool good = true;
    for (uint8_t step = 0; step < trial.steps; step++) {
        good &= try_step(injector, &trial, step);
        if (trial.steps > 1)
            good &= trial.obey((struct order){END_TRAVELLER, step}) != WRONG;
        if (trial.live >= 0)
            wait_for_quiet(trial.live);
    }
    good &= !trial.outcomes[WRONG];
    printf("# %s: %lu allocations failed; %lu rounds were right, %lu refused\n", trial.name, trial.failed,
           trial.outcomes[RIGHT], trial.outcomes[REFUSED]);
    printf("%s - %s\n", good ? "ok" : "not ok", trial.name);
    return good;
}

static void connect_to_guide(const char *where) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(TRAVEL_PORT)};
    inet_pton(AF_INET, where, &address.sin_addr);
    for (int i = 0;; i++) {
        guide = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (!connect(guide, (struct sockaddr *)&address, sizeof address))
            return;
        check(i < 600, "connect");
        close(guide);
        usleep(100000);
    }
}

int starve_main(unsigned nid, const char *where, const char *kind) {
    static const struct {
        const char *name;
        enum outcome (*obey)(struct order);
        unsigned steps;
    } kinds[] = {
        {"peer", peer_comes, 1}, {"origin", at_home, TRAVEL_STEPS}, {"remote", from_there, TRAVEL_STEPS}};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    struct injector injectors[] = {{.folder = "failslab"}, {.folder = "fail_page_alloc"}};
    unsigned long start, end;
    char name[64];
    bool good = true;
    size_t k = 0;
    while (k < KINDS && strcmp(kinds[k].name, kind))
        k++;
    check(k < KINDS, kind);
    other = nid;
    connect_to_guide(where);
    code_of_module(&start, &end);
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "starve_%s_%s", kind, i ? "pages" : "slab");
        inject_prepare(&injectors[i], i, start, end);
        struct trial trial = {
            .name = name, .obey = kinds[k].obey, .steps = kinds[k].steps, .live = stat_value("live")};
        good &= try_all(&injectors[i], trial);
    }
    close(guide);
    return !good;
}

/* The same while the module is loaded. */
int starve_load_main(const char *command) {
    struct injector injectors[] = {{.folder = "failslab"}, {.folder = "fail_page_alloc"}};
    unsigned long start, end;
    bool good = true;
    loading = command;
    code_of_function("do_one_initcall", &start, &end);
    for (size_t i = 0; i < 2; i++) {
        inject_prepare(&injectors[i], i, start, end);
        struct trial trial = {.name = i ? "starve_load_pages" : "starve_load_slab",
                              .obey = module_is_loaded,
                              .steps = 1,
                              .live = -1};
        good &= try_all(&injectors[i], trial);
    }
    return !good;
}
