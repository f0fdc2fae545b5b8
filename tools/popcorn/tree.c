/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "popcorn.h"
#include "process.h"

/* One line of the kernel's list. */
struct entry {
    pid_t pid, parent, group, session;
    uid_t user;
    int signal; /* that its parent gets when it ends: none of a process that the run time has made for itself
                 */
    char state, name[32];
};

struct entries {
    struct entry *entry;
    uint64_t count, room;
};

/*
 * Who is there.
 */

/* "PID (NAME) STATE PARENT GROUP SESSION …": the name may hold anything. */
static bool read_entry(const char *pid, struct entry *e) {
    char path[300], line[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat owner = {0};
    ssize_t n = fd < 0 || fstat(fd, &owner) < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    e->user = owner.st_uid;
    line[n > 0 ? n : 0] = 0;
    const char *begin = strchr(line, '('), *end = strrchr(line, ')');
    if (!begin || !end || end < begin)
        return false;
    snprintf(e->name, sizeof e->name, "%.*s", (int)(end - begin - 1), begin + 1);
    e->pid = atoi(pid);
    int fields =
        sscanf(end + 1,
               " %c %d %d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
               "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
               &e->state, &e->parent, &e->group, &e->session, &e->signal);
    return fields == 5;
}

static struct entries read_entries(void) {
    struct entries all = {0};
    DIR *folder = opendir("/proc");
    if (!folder)
        die("/proc: %s", strerror(errno));
    for (struct dirent *d; (d = readdir(folder));) {
        all.entry = grow(all.entry, all.count, &all.room, sizeof *all.entry);
        if (isdigit((unsigned char)d->d_name[0]) && read_entry(d->d_name, &all.entry[all.count]))
            all.count++;
    }
    closedir(folder);
    return all;
}

static int cannot(const struct entry *e, const char *why) {
    fprintf(stderr, "popcorn: cannot come along: process %d (%s): %s\n", e->pid, e->name, why);
    return 1;
}

/* One that has just been made, or becomes another program, is none for a moment; or it ends. */
static bool becomes_program(pid_t pid) {
    for (int i = 0; i < 10; i++) {
        if (process_is_program(pid) || process_has_ended(pid))
            return true;
        usleep(20000);
    }
    return false;
}

static int look_at(const struct entry *e, const struct entry *first) {
    if (process_has_ended(e->pid))
        return 0;
    if (e->user != first->user)
        return cannot(e, "it is another user's");
    if (!becomes_program(e->pid))
        return cannot(e, "it is no popcorn program");
    if (e->state == 'T' || e->state == 't')
        return cannot(e, "it is stopped");
    return 0;
}

static int32_t number_of(const struct tree *tree, pid_t pid) {
    for (uint32_t i = 0; i < tree->count; i++)
        if (tree->member[i].id == pid)
            return (int32_t)i;
    return -1;
}

/* Process groups and sessions, by the members that lead them. */
static int find_leaders(struct tree *tree, const struct entry *entry) {
    int lost = 0;
    for (uint32_t i = 1; i < tree->count; i++) {
        struct checkpoint_member *m = &tree->member[i];
        const struct entry *e = &entry[i], *parent = &entry[m->parent];
        m->group = e->group == entry[0].group ? -1 : number_of(tree, e->group);
        m->session = e->session == e->pid;
        if (m->group < 0 && e->group != entry[0].group)
            lost += cannot(e, "the process that led its group has ended");
        if (!m->session && e->session != parent->session)
            lost += cannot(e, "its parent is in another session");
    }
    return lost;
}

static void add(struct tree *tree, struct entry *of, const struct entry *e, int32_t parent) {
    if (tree->count == CHECKPOINT_MEMBERS)
        die("there is no checkpoint, and the program goes on: it has more than %d descendants",
            CHECKPOINT_MEMBERS - 1);
    of[tree->count] = *e;
    snprintf(tree->name[tree->count], sizeof tree->name[0], "%s", e->name);
    tree->member[tree->count++] = (struct checkpoint_member){
        .id = e->pid, .parent = parent, .group = -1, .ended = process_has_ended(e->pid)};
}

int tree_find(struct tree *tree, pid_t first) {
    struct entry of[CHECKPOINT_MEMBERS];
    struct entries all = read_entries();
    int lost = 0;
    tree->count = 0;
    for (uint32_t i = 0; i < all.count; i++)
        if (all.entry[i].pid == first)
            add(tree, of, &all.entry[i], -1);
    for (uint32_t i = 0; i < tree->count; i++)
        for (uint32_t k = 0; k < all.count; k++)
            if (all.entry[k].parent == tree->member[i].id && all.entry[k].signal == SIGCHLD) {
                lost += look_at(&all.entry[k], &of[0]);
                add(tree, of, &all.entry[k], (int32_t)i);
            }
    free(all.entry);
    if (!tree->count || tree->member[0].ended)
        die("process %d has ended", first);
    return lost + find_leaders(tree, of);
}

bool tree_is_same(const struct tree *a, const struct tree *b) {
    return a->count == b->count && !memcmp(a->member, b->member, a->count * sizeof *a->member);
}

/*
 * Their files.
 */

struct opened {
    uint32_t member, first; /* first: the number of the first that is the same */
    uint16_t standard, same_standard;
    int fd;
    mode_t kind; /* S_IFMT */
    bool reads, writes;
    dev_t device;
    ino_t inode;
    uint64_t object, holders;
    uint32_t copies; /* of the first: how many descriptors are the same */
};

struct files {
    struct opened *file;
    uint64_t count, room;
};

static void list_files(struct files *files, uint32_t member, pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    if (!folder)
        die("there is no checkpoint, and the program goes on: the files of process %d cannot be listed: %s",
            pid, strerror(errno));
    for (struct dirent *d; (d = readdir(folder));) {
        struct stat link, file;
        if (!isdigit((unsigned char)d->d_name[0]) ||
            fstatat(dirfd(folder), d->d_name, &link, AT_SYMLINK_NOFOLLOW) < 0 ||
            fstatat(dirfd(folder), d->d_name, &file, 0) < 0)
            continue;
        files->file = grow(files->file, files->count, &files->room, sizeof *files->file);
        files->file[files->count++] = (struct opened){.member = member,
                                                      .fd = atoi(d->d_name),
                                                      .kind = file.st_mode & S_IFMT,
                                                      .reads = link.st_mode & S_IRUSR,
                                                      .writes = link.st_mode & S_IWUSR,
                                                      .device = file.st_dev,
                                                      .inode = file.st_ino};
    }
    closedir(folder);
}

static bool same_inode(const struct opened *a, const struct opened *b) {
    return a->device == b->device && a->inode == b->inode && a->kind == b->kind;
}

/* Of a pipe all that is open is one thing, of a socket anyway. */
static bool same_file(const struct tree *tree, const struct opened *a, const struct opened *b) {
    enum { KCMP_FILE = 0 };
    if (!same_inode(a, b))
        return false;
    if (S_ISFIFO(a->kind) || S_ISSOCK(a->kind))
        return true;
    long r =
        syscall(SYS_kcmp, tree->member[a->member].id, tree->member[b->member].id, KCMP_FILE, a->fd, b->fd);
    if (r < 0 && errno != EBADF && errno != ESRCH)
        die("there is no checkpoint, and the program goes on: which files its processes share cannot be "
            "told: %s",
            strerror(errno));
    return r == 0;
}

/* Who has it, by the first that is the same; of a pipe only if both its ends are there. */
static void find_holders(const struct tree *tree, struct files *files) {
    for (uint32_t i = 0; i < files->count; i++) {
        struct opened *f = &files->file[i], *first = files->file;
        while (first < f && (first->first != first - files->file || !same_file(tree, first, f)))
            first++;
        f->first = (uint32_t)(first - files->file);
        f->object = S_ISFIFO(f->kind) || S_ISSOCK(f->kind) ? f->inode : 1UL << 40 | f->first;
        first->holders |= 1UL << f->member;
        first->copies++;
        first->reads |= f->reads;
        first->writes |= f->writes;
    }
    for (uint32_t i = 0; i < files->count; i++) {
        struct opened *f = &files->file[i];
        const struct opened *first = &files->file[f->first];
        f->holders = S_ISFIFO(f->kind) && !(first->reads && first->writes) ? 0 : first->holders;
        f->copies = first->copies;
    }
}

/* Which are the first process's standard input, output or error; the lowest of those. */
static void find_standard(struct files *files) {
    for (uint32_t k = files->count; k-- > 0;) {
        const struct opened *standard = &files->file[k];
        if (standard->member != 0 || standard->fd > 2)
            continue;
        uint16_t number = (uint16_t)(standard->fd + 1);
        for (uint32_t i = 0; i < files->count; i++) {
            struct opened *f = &files->file[i];
            if (same_inode(standard, f) && (!f->standard || number < f->standard))
                f->standard = number;
            if (standard->first == f->first && (!f->same_standard || number < f->same_standard))
                f->same_standard = number;
        }
    }
}

static bool is_told(const struct opened *f, uint32_t member) {
    return f->member == member && (f->standard || f->copies > 1);
}

static void put(int fd, const void *bytes, size_t size) {
    if (write(fd, bytes, size) != (ssize_t)size)
        die("cannot fill a memory file: %s", strerror(errno));
}

static int write_table(const struct tree *tree, const struct files *files, uint32_t member) {
    struct checkpoint_table table = {.self = member};
    int fd = memfd_create("popcorn-table", MFD_CLOEXEC);
    if (fd < 0)
        die("cannot make a memory file: %s", strerror(errno));
    for (uint32_t i = 0; i < tree->count; i++)
        if (tree->member[i].parent == (int32_t)member)
            table.child[table.children++] = tree->member[i].id;
    for (uint32_t i = 0; i < files->count; i++)
        table.known += is_told(&files->file[i], member) + S_ISSOCK(files->file[i].kind);
    put(fd, &table, sizeof table);
    for (uint32_t i = 0; i < files->count; i++) {
        const struct opened *f = &files->file[i];
        struct checkpoint_known known = {f->fd, f->standard, f->same_standard, f->object, f->holders};
        if (is_told(f, member))
            put(fd, &known, sizeof known);
        known.fd = -1;
        if (S_ISSOCK(f->kind))
            put(fd, &known, sizeof known);
    }
    return fd;
}

void tree_tables(const struct tree *tree, int table[CHECKPOINT_MEMBERS]) {
    struct files files = {0};
    for (uint32_t i = 0; i < tree->count; i++)
        if (!tree->member[i].ended)
            list_files(&files, i, tree->member[i].id);
    find_holders(tree, &files);
    find_standard(&files);
    for (uint32_t i = 0; i < tree->count; i++)
        table[i] = tree->member[i].ended ? -1 : write_table(tree, &files, i);
    free(files.file);
}
