/* SPDX-License-Identifier: MIT */
#include "tree_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_file.h"
#include "popcorn.h"
#include "program.h"

#define ROUNDS_MOST 50

/* Of a process that has been asked; its checkpoint goes into a file of its own until all are there. */
struct member {
    pid_t pid;   /* 0: it has not been asked */
    bool stands; /* and so do its threads */
    struct asked asked;
    int file;
};

static struct {
    struct tree tree;
    struct member member[CHECKPOINT_MEMBERS]; /* as in the tree */
    uint32_t flags;
    int level;
    const char *folder; /* NULL: that of temporary files */
} all;

static const char *name_of(uint32_t i) {
    static char name[64];
    snprintf(name, sizeof name, "process %d (%s): ", all.tree.member[i].id, all.tree.name[i]);
    return i ? name : "";
}

/* Does an earlier one run the same file, so that it need not be written again? Not if that is an emulator's.
 */
static bool has_program_already(uint32_t i) {
    char path[64], other[64];
    struct stat mine, theirs;
    snprintf(path, sizeof path, "/proc/%d/exe", all.tree.member[i].id);
    if (stat(path, &mine) < 0 || !program_is(path))
        return false;
    for (uint32_t k = 0; k < i; k++) {
        snprintf(other, sizeof other, "/proc/%d/exe", all.tree.member[k].id);
        if (!all.tree.member[k].ended && stat(other, &theirs) == 0 && theirs.st_dev == mine.st_dev &&
            theirs.st_ino == mine.st_ino)
            return true;
    }
    return false;
}

/* A file without a name: beside the checkpoint, where there is room for it, if its file system can. */
static int new_file(void) {
    int fd = all.folder ? open(all.folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
    FILE *file = fd < 0 ? tmpfile() : NULL;
    if (file) {
        fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
        fclose(file);
    }
    if (fd < 0)
        die("no file for what a process writes: %s", strerror(errno));
    return fd;
}

static void ask(uint32_t i) {
    struct member *m = &all.member[i];
    uint32_t flags = all.flags | CHECKPOINT_MEMBER;
    *m = (struct member){.pid = all.tree.member[i].id, .file = new_file()};
    if (has_program_already(i))
        flags |= CHECKPOINT_NO_PROGRAM;
    m->asked = ask_begin(m->pid);
    if (m->asked.program < 0) { /* the next look at the tree shows it */
        close(m->file);
        m->pid = 0;
        return;
    }
    ask_write(&m->asked, flags, m->file, all.level);
}

static void forget(struct member *m) {
    if (m->pid) {
        ask_end(&m->asked);
        close(m->file);
    }
    *m = (struct member){0};
}

/* Those that stand, or those that do not yet, take a step. */
static void tell(bool stands, bool table) {
    int file[CHECKPOINT_MEMBERS];
    if (table)
        tree_tables(&all.tree, file);
    for (uint32_t i = 0; i < all.tree.count; i++) {
        if (all.member[i].pid && all.member[i].stands == stands)
            ask_next(&all.member[i].asked, table ? file[i] : -1);
        if (table && file[i] >= 0)
            close(file[i]);
    }
}

/* One that ends meanwhile is no error until its threads stand. */
static void hear(bool stands, enum ask_heard wanted) {
    int cannot = 0;
    for (uint32_t i = 0; i < all.tree.count; i++) {
        struct member *m = &all.member[i];
        if (!m->pid || m->stands != stands)
            continue;
        enum ask_heard heard = ask_hear(&m->asked, name_of(i), &cannot);
        if (heard == ASK_PACKER)
            exit(1); /* it has been said why */
        if (heard == ASK_ENDED && !stands)
            forget(m);
        else if (heard != wanted && heard != ASK_CANNOT)
            die("process %d ended, or broke off; there is no checkpoint", m->pid);
    }
    if (cannot)
        ask_cannot(cannot);
}

/* The tree as it is now: whoever is new in it is asked, whoever has gone is forgotten. True if it is as it
 * was.
 */
static bool look_again(void) {
    struct tree now;
    struct member before[CHECKPOINT_MEMBERS];
    uint32_t count = all.tree.count;
    int cannot = tree_find(&now, all.tree.member[0].id);
    bool settled = tree_is_same(&now, &all.tree);
    if (cannot)
        ask_cannot(cannot);
    memcpy(before, all.member, sizeof before);
    memset(all.member, 0, sizeof all.member);
    all.tree = now;
    for (uint32_t i = 0; i < now.count; i++)
        for (uint32_t k = 0; k < count; k++)
            if (before[k].pid == now.member[i].id && !now.member[i].ended) {
                all.member[i] = before[k];
                before[k].pid = 0;
            }
    for (uint32_t k = 0; k < count; k++)
        forget(&before[k]);
    for (uint32_t i = 0; i < now.count; i++)
        if (!now.member[i].ended && !all.member[i].pid) {
            ask(i);
            settled = false;
        }
    return settled;
}

/* Until the threads of all processes stand still, those too that have been made meanwhile. */
static void halt(void) {
    int rounds = 0;
    do {
        if (rounds++ == ROUNDS_MOST)
            die("there is no checkpoint, and the program goes on: its processes come and go too fast");
        tell(false, true);
        hear(false, ASK_STANDS);
        tell(false, false);
        hear(false, ASK_STANDS);
        for (uint32_t i = 0; i < all.tree.count; i++)
            all.member[i].stands = all.member[i].pid;
    } while (!look_again());
}

/*
 * All of them in one file.
 */

static void write_members(struct checkpoint_output *out) {
    struct checkpoint_head head;
    struct checkpoint_chunk chunk = {.kind = CHECKPOINT_TREE,
                                     .size = all.tree.count * sizeof *all.tree.member};
    if (pread(all.member[0].file, &head, sizeof head, 0) != sizeof head)
        die("the checkpoint cannot be read back: %s", strerror(errno));
    head.version = CHECKPOINT_TREE_VERSION;
    head.hash = xxh64(&head, offsetof(struct checkpoint_head, hash), 0);
    checkpoint_write_head(out, &head);
    checkpoint_write(out, &chunk, all.tree.member);
}

static void write_all(int output) {
    struct checkpoint_output out = {.fd = output};
    write_members(&out);
    for (uint32_t i = 0; i < all.tree.count; i++)
        if (all.member[i].pid) {
            checkpoint_write_gap(&out);
            checkpoint_write_file(&out, all.member[i].file);
            close(all.member[i].file);
        }
}

static void check_packers(void) {
    for (uint32_t i = 0; i < all.tree.count; i++)
        if (all.member[i].pid && !ask_packed(&all.member[i].asked))
            exit(1); /* it has been said why */
}

void tree_write(const struct tree *tree, uint32_t flags, const char *folder, int output, int level) {
    all.tree = *tree;
    all.flags = flags;
    all.folder = folder;
    all.level = level;
    for (uint32_t i = 0; i < tree->count; i++)
        if (!tree->member[i].ended)
            ask(i);
    halt();
    tell(true, true);
    hear(true, ASK_STANDS);
    tell(true, false);
    hear(true, ASK_WRITTEN);
    check_packers();
    write_all(output);
}

void tree_end(char word) {
    char end;
    for (uint32_t i = all.tree.count; i-- > 0;) {
        if (!all.member[i].pid)
            continue;
        int program = all.member[i].asked.program;
        if (send(program, &word, 1, MSG_NOSIGNAL) < 0 && word)
            die("process %d has gone before it could be ended", all.member[i].pid);
        if (word)
            recv(program, &end, 1, 0);
    }
}

const struct asked *tree_first(void) {
    return &all.member[0].asked;
}

uint32_t tree_others(int32_t id[CHECKPOINT_MEMBERS]) {
    uint32_t count = 0;
    for (uint32_t i = 1; i < all.tree.count; i++)
        if (all.member[i].pid)
            id[count++] = all.member[i].pid;
    return count;
}
