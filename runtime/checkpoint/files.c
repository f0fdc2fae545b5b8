/* SPDX-License-Identifier: MIT */
/*
 * The process's files, as a checkpoint has them. Files have names; of what has none, what is needed to make
 * it anew. What the other end of a pipe or a socket is to another process cannot come along: that is said,
 * line by line, before anything is stopped.
 */
#include "checkpoint/files.h"
#include "base/descriptors.h"
#include "base/folder.h"
#include "checkpoint/internal.h"
#include "checkpoint/notify.h"
#include "checkpoint/pairs.h"
#include "checkpoint/tree.h"
#include "generic.h"
#include "memory/regions.h"
#include "memory/touched.h"

#define DELETED_MOST (1UL << 30) /* bytes of a file without a name that a checkpoint takes in */
#define ADDRESS_SIZE 128

#define ACCESS_MODE 3
#define FORMAT 0170000
#define FORMAT_FIFO 0010000
#define FORMAT_DEVICE 0020000
#define FORMAT_FOLDER 0040000
#define FORMAT_REGULAR 0100000
#define FORMAT_SOCKET 0140000

/* Under this descriptor the program may have another file by now, or none. */
static bool is_still_there(const struct open_file *f) {
    struct generic_stat stat;
    return KERNEL(NR_fstat, f->fd, &stat) == 0 && stat.dev == f->device && stat.ino == f->inode;
}

static void cannot(struct file_list *list, const struct open_file *f, const char *what, const char *more,
                   uint32_t drop) {
    char line[LINE_SIZE];
    struct text t = text_begin(line, sizeof line);
    if (list->flags & drop || (list->running && !is_still_there(f)))
        return;
    text_string(&t, "descriptor ");
    text_signed(&t, f->fd);
    text_string(&t, ": ");
    text_string(&t, what);
    text_string(&t, more);
    list->lost++;
    list->cannot(line, list->state);
}

/*
 * The list.
 */

static struct open_file *new_file(struct file_list *list) {
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? 2 * list->capacity : 64;
        struct open_file *larger = private_memory(capacity * sizeof *larger);
        if (!larger)
            return NULL;
        if (list->file) {
            __builtin_memcpy(larger, list->file, list->count * sizeof *larger);
            KERNEL(NR_munmap, list->file, list->capacity * sizeof *larger);
        }
        list->file = larger;
        list->capacity = capacity;
    }
    return &list->file[list->count++];
}

void files_free(struct file_list *list) {
    if (list->file)
        KERNEL(NR_munmap, list->file, list->capacity * sizeof *list->file);
    list->file = NULL;
    list->count = list->capacity = 0;
}

static struct text path_of(char *path, size_t size, const char *folder, int fd) {
    struct text t = text_begin(path, size);
    text_string(&t, folder);
    text_signed(&t, fd);
    return t;
}

static void read_path(struct open_file *f) {
    char link[64];
    path_of(link, sizeof link, "/proc/self/fd/", f->fd);
    long n = KERNEL(NR_readlinkat, AT_CWD, link, f->path, sizeof f->path - 1);
    f->path[n > 0 ? n : 0] = 0;
}

static struct open_file *look_at(struct file_list *list, int fd) {
    struct generic_stat stat;
    struct open_file *f;
    long flags = KERNEL(NR_fcntl, fd, FCNTL_GETFL);
    if (flags < 0 || KERNEL(NR_fstat, fd, &stat) || !(f = new_file(list)))
        return NULL;
    f->fd = fd;
    f->mode = stat.mode;
    f->links = stat.nlink;
    f->device = stat.dev;
    f->inode = stat.ino;
    f->what.flags = (uint32_t)flags;
    f->what.close_on_exec = KERNEL(NR_fcntl, fd, FCNTL_GETFD) & 1;
    f->what.size = (uint64_t)stat.size;
    f->what.modified = stat.mtime * 1000000000 + stat.mtime_nsec;
    f->what.object = (uint64_t)fd + 1;
    read_path(f);
    return f;
}

static bool same_inode(const struct open_file *a, const struct open_file *b) {
    return a->device == b->device && a->inode == b->inode && (a->mode & FORMAT) == (b->mode & FORMAT);
}

/*
 * What each is.
 */

/* Do two descriptors share one offset? If the kernel does not say, moving one shows, while nobody uses it. */
static bool same_open_file(const struct file_list *list, const struct open_file *a,
                           const struct open_file *b) {
    if (tree_is_there())
        return tree_is_same_file(a, b);
    long pid = KERNEL(NR_getpid);
    long r = KERNEL(NR_kcmp, pid, pid, 0, a->fd, b->fd);
    if (r >= 0 && r <= 3)
        return r == 0;
    if (list->running || a->what.flags != b->what.flags || a->what.offset != b->what.offset)
        return false;
    KERNEL(NR_lseek, a->fd, a->what.offset + 1, SEEK_FROM_START);
    bool moved = KERNEL(NR_lseek, b->fd, 0, SEEK_FROM_HERE) == (long)a->what.offset + 1;
    KERNEL(NR_lseek, a->fd, a->what.offset, SEEK_FROM_START);
    return moved;
}

static void find_object(struct file_list *list, struct open_file *f) {
    for (struct open_file *other = list->file; other < f; other++)
        if (other->what.kind == f->what.kind && same_inode(other, f) && same_open_file(list, other, f)) {
            f->what.object = other->what.object;
            return;
        }
}

static void is_regular(struct file_list *list, struct open_file *f) {
    long offset = KERNEL(NR_lseek, f->fd, 0, SEEK_FROM_HERE);
    f->what.offset = offset > 0 ? (uint64_t)offset : 0;
    f->what.kind = CHECKPOINT_REGULAR;
    if (f->links == 0) {
        f->what.kind = CHECKPOINT_DELETED;
        if ((f->mode & FORMAT) != FORMAT_REGULAR || f->what.size > DELETED_MOST)
            cannot(list, f, "a deleted folder, or a deleted file of more than 1 GiB: ", f->path,
                   CHECKPOINT_DROP_FILES);
    }
    find_object(list, f);
}

static bool is_known_device(const char *path) {
    static const char *const known[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                        "/dev/random", "/dev/urandom", "/dev/tty"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_equal(path, known[i]))
            return true;
    return false;
}

static void is_device(struct file_list *list, struct open_file *f) {
    f->what.kind = CHECKPOINT_DEVICE;
    if (is_known_device(f->path))
        return;
    if (text_begins(f->path, "/dev/pts/") || text_begins(f->path, "/dev/tty")) {
        struct text t = text_begin(f->path, sizeof f->path);
        text_string(&t, "/dev/tty");
        return;
    }
    f->what.kind = CHECKPOINT_GONE;
    cannot(list, f, "a device: ", f->path, CHECKPOINT_DROP_FILES);
}

static bool is_standard_of(struct open_file *f, int of) {
    if (of < 0)
        return false;
    f->what.kind = CHECKPOINT_STANDARD;
    f->what.detail[0] = (uint64_t)of;
    return true;
}

/* Standard input, output or error that is shared with whoever started the program, or a copy of one. */
static bool is_standard(const struct file_list *list, struct open_file *f) {
    if (tree_is_there())
        return is_standard_of(f, tree_standard(f));
    for (uint32_t i = 0; i < list->count && list->file[i].fd <= 2; i++)
        if (same_inode(&list->file[i], f))
            return is_standard_of(f, list->file[i].fd);
    return false;
}

/* Where a relay stays, so do files that standard output and error are. */
static bool is_relayed(const struct file_list *list, struct open_file *f) {
    if (!(list->flags & CHECKPOINT_RELAY) || (f->what.flags & ACCESS_MODE) != OPEN_WRONLY)
        return false;
    long offset = KERNEL(NR_lseek, f->fd, 0, SEEK_FROM_HERE);
    f->what.offset = offset > 0 ? (uint64_t)offset : 0;
    if (tree_is_there())
        return is_standard_of(f, tree_same_standard(f));
    for (uint32_t i = 0; i < list->count && list->file[i].fd <= 2; i++)
        if (&list->file[i] == f || (same_inode(&list->file[i], f) && same_open_file(list, &list->file[i], f)))
            return is_standard_of(f, list->file[i].fd);
    return false;
}

/* Both ends of a pipe are the program's own. */
static bool has_other_end(const struct file_list *list, const struct open_file *f) {
    for (uint32_t i = 0; i < list->count; i++)
        if (same_inode(&list->file[i], f) &&
            (list->file[i].what.flags & ACCESS_MODE) != (f->what.flags & ACCESS_MODE))
            return true;
    return false;
}

static void is_pipe(struct file_list *list, struct open_file *f) {
    if (tree_has_pipe(f) || has_other_end(list, f)) {
        f->what.kind = CHECKPOINT_PIPE;
        f->what.object = f->inode;
        f->what.detail[0] = (uint64_t)KERNEL(NR_fcntl, f->fd, FCNTL_GETPIPE_SZ);
    } else if (!is_standard(list, f)) {
        f->what.kind = CHECKPOINT_GONE;
        cannot(list, f, "a pipe to another process", "", CHECKPOINT_DROP_PIPES);
    }
}

static long socket_option(int fd, int level, int option) {
    int value = 0, size = sizeof value;
    long r = KERNEL(NR_getsockopt, fd, level, option, &value, &size);
    return r ? r : value;
}

static uint32_t socket_flags(int fd) {
    enum { OPTION_LISTENS = 30 };
    uint32_t flags = socket_option(fd, 1, OPTION_LISTENS) == 1 ? CHECKPOINT_LISTENS : 0;
    for (size_t i = 0; i < SOCKET_OPTIONS; i++)
        if (socket_option(fd, socket_options[i].level, socket_options[i].option) > 0)
            flags |= socket_options[i].flag;
    return flags;
}

/* One end of a socketpair, and the other is the program's as well, or has been closed. */
static bool is_pair(struct file_list *list, struct open_file *f) {
    uint64_t other = pairs_other(f->inode);
    if (!other)
        return false;
    f->what.kind = CHECKPOINT_PAIR;
    f->what.object = f->inode;
    f->what.detail[0] = 0;
    f->what.detail[2] = pairs_is_ended(f->fd);
    for (uint32_t i = 0; i < list->count; i++)
        if ((list->file[i].mode & FORMAT) == FORMAT_SOCKET && list->file[i].inode == other)
            f->what.detail[0] = other;
    if (tree_has_socket(other))
        f->what.detail[0] = other;
    if (!pairs_can_look(f->fd, f->what.detail[1]))
        cannot(list, f, "a socketpair with messages that nobody has read, which the emulator does not show",
               "", CHECKPOINT_DROP_SOCKETS);
    return f->what.detail[0] || f->what.detail[2];
}

static void is_socket(struct file_list *list, struct open_file *f) {
    enum { OPTION_TYPE = 3, OPTION_PROTOCOL = 38, OPTION_FAMILY = 39, FAMILY_UNIX = 1 };
    char peer[ADDRESS_SIZE];
    int size = sizeof peer;
    bool connected = KERNEL(NR_getpeername, f->fd, peer, &size) == 0;
    f->what.detail[0] = (uint64_t)socket_option(f->fd, 1, OPTION_FAMILY);
    f->what.detail[1] = (uint64_t)socket_option(f->fd, 1, OPTION_TYPE);
    f->what.detail[2] = (uint64_t)socket_option(f->fd, 1, OPTION_PROTOCOL);
    f->what.detail[3] = socket_flags(f->fd);
    f->what.kind = CHECKPOINT_LISTENER;
    if (!connected && (f->what.detail[0] == 2 || f->what.detail[0] == 10 || f->what.detail[0] == FAMILY_UNIX))
        return;
    if (is_pair(list, f) || is_standard(list, f))
        return;
    f->what.kind = CHECKPOINT_GONE;
    cannot(list, f, connected ? "a connected socket" : "a socket of an unknown family", "",
           CHECKPOINT_DROP_SOCKETS);
}

static void is_notify(struct file_list *list, struct open_file *f) {
    const char *what = notify_cannot(f->fd, list->running);
    f->what.kind = what ? CHECKPOINT_GONE : CHECKPOINT_NOTIFY;
    if (what)
        cannot(list, f, what, "", CHECKPOINT_DROP_FILES);
}

static void is_nameless(struct file_list *list, struct open_file *f) {
    if (text_equal(f->path, "anon_inode:[eventfd]"))
        f->what.kind = CHECKPOINT_EVENT;
    else if (text_equal(f->path, "anon_inode:[eventpoll]"))
        f->what.kind = CHECKPOINT_EPOLL;
    else if (text_equal(f->path, "anon_inode:[timerfd]"))
        f->what.kind = CHECKPOINT_TIMER;
    else if (text_equal(f->path, "anon_inode:[signalfd]"))
        f->what.kind = CHECKPOINT_SIGNALS;
    else if (text_equal(f->path, "anon_inode:inotify"))
        is_notify(list, f);
    else {
        f->what.kind = CHECKPOINT_GONE;
        cannot(list, f, f->path, "", CHECKPOINT_DROP_FILES);
        return;
    }
    fileinfo_read(f);
    f->path[0] = 0;
}

static void classify(struct file_list *list, struct open_file *f) {
    bool standard = f->fd <= 2;
    switch (f->mode & FORMAT) {
    case FORMAT_REGULAR:
        if (!is_relayed(list, f))
            is_regular(list, f);
        return;
    case FORMAT_FOLDER:
        is_regular(list, f);
        return;
    case FORMAT_DEVICE:
        if (!is_known_device(f->path) || standard)
            if (is_standard(list, f))
                return;
        is_device(list, f);
        return;
    case FORMAT_FIFO:
        is_pipe(list, f);
        return;
    case FORMAT_SOCKET:
        is_socket(list, f);
        return;
    default:
        is_nameless(list, f);
    }
}

struct collecting {
    struct file_list *list;
    int folder;
};

static void collect_one(const char *name, void *state) {
    const struct collecting *c = state;
    uint64_t number;
    text_read_number(name, &number);
    int fd = (int)number;
    if (name[0] != '.' && fd != c->folder && fd != c->list->except && !descriptors_own(fd))
        look_at(c->list, fd);
}

/* Descriptors in order, so that standard input, output and error are known first. */
static int collect(struct file_list *list) {
    int folder =
        (int)KERNEL(NR_openat, AT_CWD, "/proc/self/fd", OPEN_RDONLY | OPEN_CLOEXEC | GENERIC_O_DIRECTORY, 0);
    if (folder < 0)
        return folder;
    long r = folder_each(folder, collect_one, &(struct collecting){list, folder});
    KERNEL(NR_close, folder);
    return (int)r;
}

/* Files of shared mappings; an anonymous one has a file of its own, without a name. */
static void collect_mappings(struct file_list *list) {
    const struct region *r;
    for (uint32_t i = 0; (r = memory_region(i)); i++) {
        struct open_file *f = r->kind == REGION_FILE ? look_at(list, r->file) : NULL;
        if (!f)
            continue;
        f->mapped = r->start;
        f->what.kind = CHECKPOINT_MAPPED;
        f->what.object = (uint64_t)r->file + 1;
        f->what.detail[0] = f->links == 0;
        if (f->links == 0)
            f->path[0] = 0;
    }
}

int files_list(struct file_list *list) {
    int r = collect(list);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < list->count; i++)
        classify(list, &list->file[i]);
    collect_mappings(list);
    for (uint32_t i = 0; i < list->count; i++)
        tree_find_holders(&list->file[i]);
    return 0;
}

/*
 * Writing.
 */

/* What is in a pipe stays in it: a copy of it is read. */
static void write_end(struct stream *s, int end, long size) {
    static char buffer[65536];
    int copy[2];
    if (KERNEL(NR_pipe2, copy, OPEN_CLOEXEC)) {
        s->error = -E_MFILE;
        return;
    }
    KERNEL(NR_fcntl, copy[1], FCNTL_SETPIPE_SZ, size);
    long n = KERNEL(NR_tee, end, copy[1], size, 2);
    for (uint64_t at = 0; n > 0 && at < (uint64_t)n;) {
        long got = KERNEL(NR_read, copy[0], buffer, sizeof buffer);
        if (got <= 0)
            break;
        stream_put(s, CHECKPOINT_CONTENT, at, buffer, (uint64_t)got);
        at += (uint64_t)got;
    }
    KERNEL(NR_close, copy[0]);
    KERNEL(NR_close, copy[1]);
}

/* The other end may be another process's: then one more is opened for a moment. */
static void write_pipe(struct stream *s, const struct open_file *f) {
    char link[64];
    if ((f->what.flags & ACCESS_MODE) == OPEN_RDONLY) {
        write_end(s, f->fd, (long)f->what.detail[0]);
        return;
    }
    path_of(link, sizeof link, "/proc/self/fd/", f->fd);
    int end = (int)KERNEL(NR_openat, AT_CWD, link, OPEN_RDONLY | OPEN_NONBLOCK | OPEN_CLOEXEC, 0);
    if (end < 0) {
        s->error = end;
        return;
    }
    write_end(s, end, (long)f->what.detail[0]);
    KERNEL(NR_close, end);
}

static void write_address(struct stream *s, const struct open_file *f) {
    char address[ADDRESS_SIZE];
    int size = sizeof address;
    if (KERNEL(NR_getsockname, f->fd, address, &size) == 0 && size <= (int)sizeof address)
        stream_put(s, CHECKPOINT_CONTENT, 0, address, (uint64_t)size);
}

/* Was the open file written before, under another descriptor? Of a pipe that others have, any end counts. */
static bool is_second(const struct file_list *list, const struct open_file *f) {
    for (const struct open_file *other = list->file; other < f; other++)
        if (other->what.kind == f->what.kind && other->what.object == f->what.object &&
            (f->what.kind != CHECKPOINT_PIPE || tree_is_shared(f) ||
             (other->what.flags & ACCESS_MODE) == (f->what.flags & ACCESS_MODE)))
            return true;
    return false;
}

/* A file without a name cannot be opened by a path; the descriptor of a mapping stands for the path alone. */
static void write_deleted(struct stream *s, const struct open_file *f) {
    char link[64];
    path_of(link, sizeof link, "/proc/self/fd/", f->fd);
    int file = (int)KERNEL(NR_openat, AT_CWD, link, OPEN_RDONLY | OPEN_CLOEXEC, 0);
    if (file < 0) {
        s->error = file;
        return;
    }
    stream_file(s, CHECKPOINT_CONTENT, file, f->what.size);
    KERNEL(NR_close, file);
}

static void write_contents(struct stream *s, const struct file_list *list, const struct open_file *f) {
    if (is_second(list, f) || !tree_writes_contents(f))
        return;
    if (f->what.kind == CHECKPOINT_DELETED || (f->what.kind == CHECKPOINT_MAPPED && f->what.detail[0]))
        write_deleted(s, f);
    else if (f->what.kind == CHECKPOINT_PIPE &&
             (tree_is_shared(f) || (f->what.flags & ACCESS_MODE) == OPEN_RDONLY))
        write_pipe(s, f);
    else if (f->what.kind == CHECKPOINT_LISTENER)
        write_address(s, f);
    else if (f->what.kind == CHECKPOINT_PAIR)
        pairs_write(s, f);
    else if (f->what.kind == CHECKPOINT_EPOLL)
        fileinfo_write_watches(s, f);
    else if (f->what.kind == CHECKPOINT_NOTIFY)
        notify_write(s, f);
    else if (f->what.kind == CHECKPOINT_REGULAR)
        fileinfo_write_locks(s, f);
}

void files_write(const struct file_list *list, struct stream *s) {
    for (uint32_t i = 0; i < list->count && s->error == 0; i++) {
        struct open_file *f = &list->file[i];
        size_t length = 0;
        while (f->path[length])
            length++;
        f->what.path = length ? (uint32_t)length + 1 : 0;
        uint64_t where = f->what.kind == CHECKPOINT_MAPPED ? f->mapped : (uint64_t)f->fd;
        if (tree_is_shared(f))
            stream_put(s, CHECKPOINT_SHARED, 0, &f->shared, sizeof f->shared);
        stream_put2(s, CHECKPOINT_FILE, where, &f->what, sizeof f->what, f->path, f->what.path);
        write_contents(s, list, f);
    }
}
