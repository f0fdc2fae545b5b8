/* SPDX-License-Identifier: MIT */
#include "agent/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define DEVICE "/dev/popcorn"
#define GROUPS_MAX 256
#define PATIENCE 10 /* seconds until the new process must have answered */

/* As runtime/node/internal.h has it: the process's descriptors, its name, and the greeting. */
enum { NODE_SOCKET = 3, NODE_MEMORY = 4, NODE_IMAGE = 5, LAST_NODE_FD = NODE_IMAGE };
#define NODE_NAME "popcorn-node"
#define GREETING_AGENT 0x4e4f4445504f5032ULL
struct node_agent_greeting {
    uint64_t magic;
    uint64_t cookie;
    int32_t node;
    int32_t error;
};

struct start {
    const struct popcorn_limit *limits;
    int socket, memory, image;
    uid_t uid;
    gid_t gid;
    int ngroups;
    gid_t groups[GROUPS_MAX];
};

static int fail(char error[256], const char *what, int number) {
    snprintf(error, 256, "%s: %s", what, strerror(number));
    return number;
}

/* The user's groups here; a user that this machine does not know has none but his own. */
static void find_groups(struct start *s) {
    char buffer[4096];
    struct passwd entry, *user = NULL;
    s->ngroups = GROUPS_MAX;
    if (getpwuid_r(s->uid, &entry, buffer, sizeof buffer, &user) || !user ||
        getgrouplist(user->pw_name, s->gid, s->groups, &s->ngroups) < 0)
        s->ngroups = 0;
}

static rlim_t less(rlim_t a, rlim_t b) {
    return a < b ? a : b;
}

/*
 * The program's limits at its origin hold for its process here too, as far as they are not above the agent's
 * own: those are this machine's word. Of processor time, each process has as much. There are no core files.
 */
static void set_limits(const struct popcorn_limit *limits) {
    static const struct rlimit none = {0, 0};
    for (int i = 0; i < POPCORN_LIMITS && i < RLIM_NLIMITS; i++) {
        struct rlimit own, limit;
        if (i == RLIMIT_CORE || getrlimit(i, &own))
            continue;
        limit.rlim_max = less(limits[i].hard, own.rlim_max);
        limit.rlim_cur = less(limits[i].soft, limit.rlim_max);
        if (i == RLIMIT_CPU && limit.rlim_cur == limit.rlim_max && limit.rlim_max != RLIM_INFINITY)
            limit.rlim_max++; /* SIGXCPU comes before SIGKILL, and tells the origin why */
        setrlimit(i, &limit);
    }
    setrlimit(RLIMIT_CORE, &none);
}

/* In the child, until it runs the image. The agent has threads: nothing here may take a lock. */
static _Noreturn void become(const struct start *s) {
    static char *const arguments[] = {NODE_NAME, NULL}, *const environment[] = {NULL};
    int fd[] = {s->socket, s->memory, s->image};
    sigset_t empty;
    for (int i = 0; i < 3; i++)
        fd[i] = fcntl(fd[i], F_DUPFD, LAST_NODE_FD + 1);
    for (int i = 0; i < 3; i++)
        if (dup2(fd[i], NODE_SOCKET + i) < 0)
            _exit(126);
    syscall(SYS_close_range, LAST_NODE_FD + 1, ~0U, 0);
    /* The agent's terminal and log are not the user's. */
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        if (dup2(null, i) < 0)
            _exit(126);
    if (null > 2)
        close(null);
    umask(077);
    sigemptyset(&empty);
    sigprocmask(SIG_SETMASK, &empty, NULL);
    if (chdir("/"))
        _exit(126);
    setsid();
    set_limits(s->limits);
    if (setgroups((size_t)s->ngroups, s->groups) || setresgid(s->gid, s->gid, s->gid) ||
        setresuid(s->uid, s->uid, s->uid) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _exit(126);
    syscall(SYS_execveat, NODE_IMAGE, "", arguments, environment, 0x1000 /* AT_EMPTY_PATH */);
    _exit(127);
}

static int greet(int socket, const struct popcorn_clone_request *request, int self, char *error) {
    struct node_agent_greeting greeting = {.magic = GREETING_AGENT, .cookie = request->cookie, .node = self};
    struct timeval patience = {PATIENCE, 0};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t n = recv(socket, &greeting, sizeof greeting, 0);
    if (n != sizeof greeting)
        return fail(error, "the program's process did not start", ENOEXEC);
    return greeting.error ? fail(error, "the program's process cannot join", -greeting.error) : 0;
}

/* Makes the process, which ends when it cannot greet. 0 or an errno. */
static int start(struct start *s, int self, const struct popcorn_clone_request *request, int ours) {
    struct node_agent_greeting greeting = {.magic = GREETING_AGENT, .cookie = request->cookie, .node = self};
    if (send(ours, &greeting, sizeof greeting, MSG_NOSIGNAL) < 0)
        return errno;
    pid_t pid = fork();
    if (pid == 0)
        become(s);
    return pid < 0 ? errno : 0;
}

int launch(const struct popcorn_clone_request *request, int self, int image, char error[256]) {
    struct start s = {.limits = request->limits, .image = image, .uid = request->uid, .gid = request->gid};
    int pair[2];
    find_groups(&s);
    s.memory = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (s.memory < 0)
        return fail(error, DEVICE, errno);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        int r = fail(error, "a socket", errno);
        close(s.memory);
        return r;
    }
    s.socket = pair[1];
    int r = start(&s, self, request, pair[0]);
    close(pair[1]);
    close(s.memory);
    r = r ? fail(error, "its process", r) : greet(pair[0], request, self, error);
    close(pair[0]);
    return r;
}
