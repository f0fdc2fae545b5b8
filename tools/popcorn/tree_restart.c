/* SPDX-License-Identifier: MIT */
#include "tree_restart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "popcorn.h"

static struct checkpoint_family *family; /* in `family_file`, which all processes have */
static int family_file;

/*
 * Reading.
 */

/* What its parent's checkpoint says of a process that has ended. */
static const struct checkpoint_child *end_of(const struct restart_tree *tree, uint32_t i) {
    const struct restart_checkpoint *parent = &tree->process[tree->member[i].parent];
    for (uint32_t k = 0; k < parent->children; k++)
        if (parent->child[k].id == tree->member[i].id)
            return &parent->child[k];
    return NULL;
}

static bool is_end(const struct checkpoint_child *c) {
    return c && c->pid > 0 &&
           (c->code == CLD_EXITED
                ? c->status >= 0 && c->status <= 255
                : (c->code == CLD_KILLED || c->code == CLD_DUMPED) && c->status > 0 && c->status <= 64);
}

static int32_t id_of(const struct restart_tree *tree, uint32_t i) {
    return tree->member[i].ended ? end_of(tree, i)->pid : tree->process[i].process.pid;
}

static void check(const struct restart *request, const struct restart_tree *tree) {
    for (uint32_t i = 0; i < tree->count; i++) {
        if (tree->member[i].ended && !is_end(end_of(tree, i)))
            die("%s: the checkpoint is damaged: how a process has ended", request->path);
        if (id_of(tree, i) <= 0)
            die("%s: the checkpoint is damaged: a process without an id", request->path);
        for (uint32_t k = 0; k < i; k++)
            if (id_of(tree, i) == id_of(tree, k))
                die("%s: the checkpoint is damaged: two processes of one id", request->path);
    }
}

void tree_read(const struct restart *request, struct checkpoint_input *in, bool live,
               struct restart_tree *tree) {
    tree->count = checkpoint_read_members(in, tree->member);
    uint32_t last = tree->count ? checkpoint_last_member(tree->member, tree->count) : 0;
    for (uint32_t i = 0; i < tree->count; i++) {
        if (tree->member[i].ended)
            continue;
        checkpoint_open_member(in, i < last);
        restart_read_process(request, in, false, &tree->process[i]);
    }
    if (tree->count)
        check(request, tree);
    else
        restart_read_process(request, in, live, &tree->process[0]);
}

static void skim_one(struct checkpoint_input *in) {
    struct checkpoint_chunk chunk;
    const void *contents;
    while (checkpoint_next(in, &chunk, &contents))
        ;
}

void tree_skim(struct checkpoint_input *in) {
    struct checkpoint_member member[CHECKPOINT_MEMBERS];
    uint32_t count = checkpoint_read_members(in, member);
    uint32_t last = count ? checkpoint_last_member(member, count) : 0;
    if (!count)
        skim_one(in);
    for (uint32_t i = 0; i < count; i++) {
        if (member[i].ended)
            continue;
        checkpoint_open_member(in, i < last);
        skim_one(in);
    }
}

/*
 * The programs' files. One that several run is in the checkpoint of the first of them.
 */

static bool take_earlier(struct restart_tree *tree, uint32_t i) {
    struct restart_checkpoint *c = &tree->process[i];
    for (uint32_t k = 0; k < i && !c->process.program_inside; k++) {
        const struct restart_checkpoint *other = &tree->process[k];
        if (tree->member[k].ended || !other->process.program_inside ||
            memcmp(other->process.program_hash, c->process.program_hash, sizeof c->process.program_hash))
            continue;
        close(c->program);
        c->program = fcntl(other->program, F_DUPFD_CLOEXEC, 3);
        if (c->program < 0)
            die("no descriptor: %s", strerror(errno));
        return true;
    }
    return false;
}

void tree_find_programs(const struct restart *request, struct restart_tree *tree) {
    if (!tree->count)
        restart_find_program(request, &tree->process[0]);
    for (uint32_t i = 0; i < tree->count; i++)
        if (!tree->member[i].ended && !take_earlier(tree, i))
            restart_find_program(request, &tree->process[i]);
}

/*
 * Becoming.
 */

static void make_family(const struct restart_tree *tree) {
    family_file = memfd_create("popcorn-family", MFD_CLOEXEC);
    if (family_file < 0 || ftruncate(family_file, sizeof *family) < 0)
        die("cannot make a memory file: %s", strerror(errno));
    family = mmap(NULL, sizeof *family, PROT_READ | PROT_WRITE, MAP_SHARED, family_file, 0);
    if (family == MAP_FAILED)
        die("out of memory");
    family->count = tree->count;
    for (uint32_t i = 0; i < tree->count; i++) {
        struct checkpoint_relative *relative = &family->member[i];
        int pair[2] = {-1, -1};
        if (i && !tree->member[i].ended && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
            die("no socket: %s", strerror(errno));
        *relative = (struct checkpoint_relative){.seen = id_of(tree, i),
                                                 .group = tree->member[i].group,
                                                 .socket = pair[0],
                                                 .first_socket = pair[1]};
    }
}

static void take_group(const struct restart_tree *tree, uint32_t i) {
    const struct checkpoint_member *m = &tree->member[i];
    if (m->session ? setsid() < 0 : m->group == (int32_t)i && setpgid(0, 0) < 0)
        die("process %d: its session or process group cannot be made: %s", id_of(tree, i), strerror(errno));
}

/* Ends as it did. */
static _Noreturn void end(const struct checkpoint_child *child) {
    const struct rlimit none = {0, 0};
    sigset_t all;
    if (child->code == CLD_EXITED)
        _exit(child->status);
    setrlimit(RLIMIT_CORE, &none);
    signal(child->status, SIG_DFL);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    kill(getpid(), child->status);
    _exit(128 + child->status);
}

/* The other ends are the others' alone, so that who waits for one sees that it has gone. */
static void keep_sockets(uint32_t self) {
    for (uint32_t i = 0; i < family->count; i++) {
        const struct checkpoint_relative *relative = &family->member[i];
        if (relative->socket < 0)
            continue;
        if (i == self && fcntl(relative->socket, F_SETFD, 0) < 0)
            die("%s", strerror(errno));
        if (i != self)
            close(relative->socket);
        if (self == 0 && fcntl(relative->first_socket, F_SETFD, 0) < 0)
            die("%s", strerror(errno));
        if (self)
            close(relative->first_socket);
    }
}

static _Noreturn void become(const struct restart *request, const struct restart_tree *tree, uint32_t i);

static void make_child(const struct restart *request, const struct restart_tree *tree, uint32_t i) {
    bool ended = tree->member[i].ended;
    siginfo_t info;
    pid_t pid = fork();
    if (pid < 0)
        die("cannot fork: %s", strerror(errno));
    if (pid == 0 && !ended)
        become(request, tree, i);
    if (pid == 0) {
        take_group(tree, i);
        end(end_of(tree, i));
    }
    family->member[i].kernel = pid;
    while (ended && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
}

static void become(const struct restart *request, const struct restart_tree *tree, uint32_t self) {
    struct restart mine = *request;
    family->member[self].kernel = getpid();
    mine.tree = family_file;
    mine.wait = self ? 0 : request->wait;
    if (self)
        take_group(tree, self);
    for (uint32_t i = self + 1; i < tree->count; i++)
        if (tree->member[i].parent == (int32_t)self)
            make_child(request, tree, i);
    keep_sockets(self);
    restart_become(&mine, &tree->process[self]);
}

void tree_become(const struct restart *request, const struct restart_tree *tree) {
    if (!tree->count)
        restart_become(request, &tree->process[0]);
    make_family(tree);
    signal(SIGCHLD, SIG_DFL); /* who has ended waits for its parent */
    become(request, tree, 0);
}

static void close_process(const struct restart_checkpoint *c) {
    close(c->rest);
    close(c->program);
    if (c->file >= 0)
        close(c->file);
}

void tree_close(const struct restart_tree *tree) {
    if (!tree->count)
        close_process(&tree->process[0]);
    for (uint32_t i = 0; i < tree->count; i++)
        if (!tree->member[i].ended)
            close_process(&tree->process[i]);
}
