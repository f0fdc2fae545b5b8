/* SPDX-License-Identifier: MIT */
/*
 * The processes of a tree that begins with a checkpoint. What several have open the lowest of them makes, and
 * hands on: each has one socket, to the first, which passes on what is not for itself. Whoever fails closes
 * its socket, and by that all of them end. When all are ready the first lets them go.
 */
#include "base/descriptors.h"
#include "checkpoint/restore.h"
#include "popcorn/control.h"
#include "thread/family.h"

#define STASH 128 /* files that have come before anybody has asked for them */
#define FILES 2
#define EXIT_FAILED 70

enum { LEVEL = 1, RIGHTS = 1, NO_SIGNAL = 0x4000, AT_ONCE = 0x40, CLOSE_ON_EXEC = 0x40000000, READABLE = 1 };
enum { NR_setpgid = 154, NR_getpgid = 155 };

struct came {
    struct checkpoint_handed what;
    int fd[FILES];
};

static struct checkpoint_family family;
static int family_file = -1;
static bool member;                /* this process is one of a tree */
static uint32_t self;              /* its number among the members */
static int to[CHECKPOINT_MEMBERS]; /* the first's sockets, by member; another's own is at 0; or -1 */
static struct checkpoint_shared next;
static struct came stash[STASH];
static uint32_t stashed;

/* struct cmsghdr, as Linux has it on every ISA here. */
struct rights {
    uint64_t length;
    int32_t level, type, fd[FILES];
};

static bool read_family(void) {
    return KERNEL(NR_pread64, family_file, &family, sizeof family, 0) == sizeof family && family.count > 1 &&
           family.count <= CHECKPOINT_MEMBERS;
}

static int keep(int fd) {
    return fd < 3 ? -1 : descriptors_keep(fd);
}

bool shared_begin(int file) {
    family_file = descriptors_keep(file);
    if (!read_family())
        return false;
    int32_t pid = (int32_t)KERNEL(NR_getpid);
    while (self < family.count && family.member[self].kernel != pid)
        self++;
    if (self == family.count)
        return false;
    for (uint32_t i = 0; i < family.count; i++)
        to[i] = self == 0 && i ? keep(family.member[i].first_socket) : -1;
    if (self)
        to[0] = keep(family.member[self].socket);
    member = self == 0 || to[0] >= 0;
    return member;
}

bool shared_is_member(void) {
    return member;
}

bool shared_is_first(void) {
    return member && self == 0;
}

void shared_next(const void *bytes, uint64_t size) {
    if (size != sizeof next || !member)
        restart_fail("it is damaged", "", 0);
    __builtin_memcpy(&next, bytes, sizeof next);
    if (next.self != self || !(next.holders >> self & 1) || !(next.holders & (next.holders - 1)) ||
        (family.count < 64 && next.holders >> family.count))
        restart_fail("it is damaged", "", 0);
}

struct checkpoint_shared shared_take_next(void) {
    struct checkpoint_shared taken = next;
    next = (struct checkpoint_shared){0};
    return taken;
}

/*
 * Handing on.
 */

/*
 * What comes on a socket: files, 'h'; or one byte, which is the answer; 0: the other side has ended. That it
 * has left something unread is told before what it has sent.
 */
static char receive(int socket, struct came *c) {
    struct rights rights = {0};
    struct kernel_vector piece = {&c->what, sizeof c->what};
    struct kernel_message message = {
        .vector = &piece, .vectors = 1, .control = &rights, .control_size = sizeof rights};
    long n;
    do
        n = KERNEL(NR_recvmsg, socket, &message, CLOSE_ON_EXEC);
    while (n == -E_INTR || n == -E_CONNRESET);
    c->fd[0] = c->fd[1] = -1;
    if (n == 1)
        return *(const char *)&c->what;
    if (n != sizeof c->what)
        return 0;
    uint64_t head = offsetof(struct rights, fd);
    bool any = message.control_size && rights.level == LEVEL && rights.type == RIGHTS &&
               rights.length > head && rights.length <= sizeof rights;
    for (uint64_t i = 0; any && i < (rights.length - head) / sizeof(int32_t); i++) {
        c->fd[i] = descriptors_keep(rights.fd[i]);
        if (!descriptors_own(c->fd[i]))
            restart_fail("too many files that its processes share", "", 0);
    }
    return c->fd[0] < 0 ? 0 : 'h';
}

/* The other side has ended: if it failed, it has said why, and this process need not. */
static _Noreturn void lost(uint32_t member) {
    char number[16], what;
    struct came c;
    do
        what = self ? CHECKPOINT_FAILS : receive(to[member], &c);
    while (what && what != CHECKPOINT_FAILS);
    if (what == CHECKPOINT_FAILS)
        KERNEL(NR_exit_group, EXIT_FAILED);
    struct text t = text_begin(number, sizeof number);
    text_signed(&t, family.member[member].seen);
    restart_fail("another process of it has ended: ", number, 0);
}

static void send_files(uint32_t member, const struct came *c, int flags) {
    struct rights rights = {.level = LEVEL, .type = RIGHTS, .fd = {c->fd[0], c->fd[1]}};
    uint64_t size = offsetof(struct rights, fd) + (c->fd[1] < 0 ? 1 : 2) * sizeof(int32_t);
    struct kernel_vector piece = {&c->what, sizeof c->what};
    struct kernel_message message = {
        .vector = &piece, .vectors = 1, .control = &rights, .control_size = sizeof rights};
    rights.length = size;
    long n;
    while ((n = KERNEL(NR_sendmsg, to[member], &message, NO_SIGNAL | flags)) == -E_INTR)
        ;
    if (n == -E_AGAIN)
        restart_fail("too many files that its processes share", "", 0);
    if (n == -E_PIPE || n == -E_CONNRESET)
        lost(member);
    if (n != sizeof c->what)
        restart_fail("a file cannot be handed to another process of it", "", n);
}

/* By the first. The others never wait for room in a socket, so this may. */
static void pass_on(const struct came *c) {
    for (uint32_t i = c->what.owner + 1; i < family.count; i++)
        if (c->what.holders >> i & 1 && to[i] >= 0)
            send_files(i, c, 0);
}

void shared_give(const struct checkpoint_shared *shared, uint32_t kind, uint64_t other, const int fd[2]) {
    struct came c = {
        {.kind = kind, .owner = self, .object = shared->object, .other = other, .holders = shared->holders},
        {fd[0], fd[1]}};
    if (self)
        send_files(0, &c, AT_ONCE);
    else
        pass_on(&c);
}

/* Is it what is wanted? Of a socketpair, which end comes first is for whoever asks to say. */
static bool is_it(struct came *c, uint64_t object, uint32_t kind) {
    if (c->what.kind != kind)
        return false;
    if (c->what.object == object)
        return true;
    if (kind != CHECKPOINT_PAIR || c->what.other != object || !object)
        return false;
    int first = c->fd[0];
    c->fd[0] = c->fd[1];
    c->fd[1] = first;
    return c->fd[0] >= 0;
}

static bool find_stashed(uint64_t object, uint32_t kind, int fd[2]) {
    for (uint32_t i = 0; i < stashed; i++)
        if (is_it(&stash[i], object, kind)) {
            fd[0] = stash[i].fd[0];
            fd[1] = stash[i].fd[1];
            stash[i] = stash[--stashed];
            return true;
        }
    return false;
}

void shared_receive(const struct checkpoint_shared *shared, uint32_t kind, int fd[2]) {
    while (!find_stashed(shared->object, kind, fd)) {
        if (stashed == STASH)
            restart_fail("too many files that its processes share", "", 0);
        char what = self ? receive(to[0], &stash[stashed]) : 0;
        if (what != 'h')
            KERNEL(NR_exit_group, EXIT_FAILED); /* whoever has failed has said it */
        stashed++;
    }
}

/*
 * Going on.
 */

int shared_leave(void) {
    return to[0];
}

static void hear(uint32_t member, bool *ready) {
    struct came c;
    char what = receive(to[member], &c);
    if (what == CHECKPOINT_FAILS)
        KERNEL(NR_exit_group, EXIT_FAILED);
    if (!what)
        lost(member);
    if (what != 'h') {
        *ready = true;
        return;
    }
    if (c.what.owner != member)
        restart_fail("it is damaged", "", 0);
    pass_on(&c);
    descriptors_drop(c.fd[0]);
    descriptors_drop(c.fd[1]);
}

/* All at once: what one waits for may come from any other. */
void shared_await_others(void) {
    struct {
        int fd;
        int16_t events, came;
    } wait[CHECKPOINT_MEMBERS];
    uint32_t missing = 0;
    for (uint32_t i = 0; i < family.count; i++) {
        wait[i].fd = to[i];
        wait[i].events = READABLE;
        missing += to[i] >= 0;
    }
    while (missing) {
        KERNEL(NR_ppoll, wait, family.count, 0, 0, 8);
        for (uint32_t i = 0; i < family.count; i++) {
            bool ready = false;
            if (wait[i].fd >= 0 && wait[i].came)
                hear(i, &ready);
            missing -= ready;
        }
    }
}

/* The groups are those of the processes that led them, which are there now. */
static void join_group(void) {
    int32_t leader = family.member[self].group;
    if (leader < 0 || (uint32_t)leader >= family.count || (uint32_t)leader == self)
        return;
    long group = family.member[leader].kernel;
    if (KERNEL(NR_getpgid, 0) != group && KERNEL(NR_setpgid, 0, group))
        restart_fail("its process group cannot be had", "", 0);
}

static void let_others_go(void) {
    char word = CHECKPOINT_LEAVE;
    for (uint32_t i = 1; i < family.count; i++)
        if (to[i] >= 0)
            KERNEL(NR_sendto, to[i], &word, 1, NO_SIGNAL);
}

void shared_go_on(void) {
    if (!member)
        return;
    if (!read_family())
        restart_fail("the processes of it cannot be told apart", "", 0);
    join_group();
    if (self == 0)
        let_others_go();
    for (uint32_t i = 0; i < family.count; i++) {
        family_enter(family.member[i].seen, family.member[i].kernel);
        descriptors_drop(to[i]);
    }
    descriptors_drop(family_file);
}

void shared_fails(void) {
    char word = CHECKPOINT_FAILS;
    if (member && self)
        KERNEL(NR_sendto, to[0], &word, 1, NO_SIGNAL);
}
