/* SPDX-License-Identifier: MIT */
/* The files of a checkpoint in a new process: each under its old number. */
#include "base/descriptors.h"
#include "checkpoint/restore.h"
#include "generic.h"
#include "memory/touched.h"

#define MOST_FILES 65536
#define MOST_WATCHES 65536
#define OPEN_AGAIN ~(0100U | 0200U | 01000U | GENERIC_O_LARGEFILE) /* without O_CREAT, O_EXCL, O_TRUNC */
#define STATUS_FLAGS (02000U | 04000U | 020000U | 040000U) /* O_APPEND, O_NONBLOCK, O_ASYNC, O_DIRECT */
#define ACCESS_MODE 3U

enum { FAMILY_UNIX = 1, FAMILY_INTERNET6 = 10, TYPE_STREAM = 1 };

/* What has been made: descriptors of the same object are made of it. */
struct made {
    uint32_t kind, access;
    uint64_t object, mapped;
    int fd, other; /* other: of a pipe whose second end nobody has asked for yet, or -1 */
    struct checkpoint_file file;
};

struct watch {
    int epoll;
    struct checkpoint_watch watch;
};

static struct made *made;
static uint32_t count, watches;
static struct watch *watch;
static int standard[3] = {-1, -1, -1};

static _Noreturn void fail(int fd, const char *what, const char *path, long error) {
    char line[CHECKPOINT_PATH + 128];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "descriptor ");
    text_signed(&t, fd);
    text_string(&t, ", ");
    text_string(&t, path);
    text_string(&t, ": ");
    text_string(&t, what);
    restart_fail(line, "", error);
}

void restore_files_begin(void) {
    made = private_memory(MOST_FILES * sizeof *made);
    watch = private_memory(MOST_WATCHES * sizeof *watch);
    if (!made || !watch)
        restart_fail("no memory for its files", "", 0);
    for (int i = 0; i < 3; i++) {
        int copy = (int)KERNEL(NR_fcntl, i, FCNTL_DUPFD_CLOEXEC, 3);
        standard[i] = copy < 0 ? -1 : descriptors_keep(copy);
    }
    descriptors_close_range(0, ~0U, 0);
}

void restore_standard_error(void) {
    if (standard[2] >= 0)
        KERNEL(NR_dup3, standard[2], 2, 0);
}

static struct made *find(uint32_t kind, uint64_t object, uint32_t access) {
    for (uint32_t i = 0; i < count; i++)
        if (made[i].kind == kind && made[i].object == object &&
            (kind != CHECKPOINT_PIPE || made[i].access == access))
            return &made[i];
    return NULL;
}

/* Puts a descriptor, just opened, under its number. */
static int place(int from, int fd, const struct checkpoint_file *file, const char *what) {
    if (from < 0)
        fail(fd, "cannot be made anew", what, from);
    long r = from == fd ? 0 : KERNEL(NR_dup3, from, fd, file->close_on_exec ? OPEN_CLOEXEC : 0);
    if (r < 0)
        fail(fd, "its number cannot be used", what, r);
    if (from == fd)
        KERNEL(NR_fcntl, fd, FCNTL_SETFD, file->close_on_exec);
    else
        KERNEL(NR_close, from);
    return fd;
}

/* A descriptor out of the way of those that will be placed. */
static int out_of_the_way(long fd) {
    return fd < 0 ? (int)fd : descriptors_keep((int)fd);
}

static void put_down(int from, int fd, const struct checkpoint_file *file, const char *what) {
    if (from < 0)
        fail(fd, "cannot be made anew", what, from);
    long r = KERNEL(NR_dup3, from, fd, file->close_on_exec ? OPEN_CLOEXEC : 0);
    descriptors_drop(from);
    if (r < 0)
        fail(fd, "its number cannot be used", what, r);
    if (file->flags & STATUS_FLAGS)
        KERNEL(NR_fcntl, fd, FCNTL_SETFL, file->flags & STATUS_FLAGS);
}

/* Is it the file that it was? */
static void check_unchanged(int fd, int opened, const struct checkpoint_file *file, const char *path) {
    struct generic_stat stat;
    long r = KERNEL(NR_fstat, opened, &stat);
    if (r)
        fail(fd, "cannot be looked at", path, r);
    bool folder = (stat.mode & 0170000) == 0040000;
    int64_t modified = stat.mtime * 1000000000 + stat.mtime_nsec;
    if (folder || ((uint64_t)stat.size == file->size && modified == file->modified))
        return;
    if (!restart_forced())
        fail(fd, "has changed since (--force goes on all the same)", path, 0);
    if ((file->flags & ACCESS_MODE) != OPEN_RDONLY && (uint64_t)stat.size > file->size)
        KERNEL(NR_ftruncate, opened, file->size);
}

static int open_file(int fd, const struct checkpoint_file *file, const char *path) {
    int opened = (int)KERNEL(NR_openat, AT_CWD, path, (file->flags & OPEN_AGAIN) | OPEN_CLOEXEC, 0);
    if (opened < 0)
        fail(fd, "cannot be opened", path, opened);
    if (file->kind == CHECKPOINT_REGULAR) {
        check_unchanged(fd, opened, file, path);
        KERNEL(NR_lseek, opened, file->offset, SEEK_FROM_START);
    }
    return out_of_the_way(opened);
}

static int open_nameless(const struct checkpoint_file *file) {
    int opened = (int)KERNEL(NR_memfd_create, "popcorn-deleted", MFD_CLOEXEC);
    if (opened >= 0)
        KERNEL(NR_ftruncate, opened, file->size);
    return out_of_the_way(opened);
}

static int open_pipe(struct made *m) {
    int end[2];
    long r = KERNEL(NR_pipe2, end, OPEN_CLOEXEC);
    if (r)
        return (int)r;
    KERNEL(NR_fcntl, end[1], FCNTL_SETPIPE_SZ, m->file.detail[0]);
    int reader = out_of_the_way(end[0]), writer = out_of_the_way(end[1]);
    bool reads = m->access == OPEN_RDONLY;
    m->other = reads ? writer : reader;
    return reads ? reader : writer;
}

/* The end of a pipe whose other end has been made. */
static int take_other_end(uint64_t object) {
    for (uint32_t i = 0; i < count; i++)
        if (made[i].kind == CHECKPOINT_PIPE && made[i].object == object && made[i].other >= 0) {
            int fd = made[i].other;
            made[i].other = -1;
            return fd;
        }
    return -1;
}

static int open_timer(const struct checkpoint_file *file) {
    struct kernel_time time[2] = {
        {(int64_t)(file->detail[1] / 1000000000), (int64_t)(file->detail[1] % 1000000000)},
        {(int64_t)(file->detail[2] / 1000000000), (int64_t)(file->detail[2] % 1000000000)}};
    int fd = (int)KERNEL(NR_timerfd_create, file->detail[0], OPEN_CLOEXEC);
    if (file->detail[3]) /* it has expired, and nobody has read that: it does so at once */
        time[1] = (struct kernel_time){0, 1};
    if (fd >= 0)
        KERNEL(NR_timerfd_settime, fd, 0, time, 0);
    return out_of_the_way(fd);
}

/* Reads the end, and cannot be written to. */
static int open_gone(void) {
    int pair[2];
    long r = KERNEL(NR_socketpair, FAMILY_UNIX, TYPE_STREAM | OPEN_CLOEXEC, 0, pair);
    if (r)
        return (int)r;
    KERNEL(NR_close, pair[1]);
    return out_of_the_way(pair[0]);
}

static int make(struct made *m, int fd, const char *path) {
    const struct checkpoint_file *file = &m->file;
    int end;
    switch (file->kind) {
    case CHECKPOINT_REGULAR:
    case CHECKPOINT_DEVICE:
        return open_file(fd, file, path);
    case CHECKPOINT_DELETED:
        return open_nameless(file);
    case CHECKPOINT_PIPE:
        end = take_other_end(file->object);
        return end >= 0 ? end : open_pipe(m);
    case CHECKPOINT_EVENT:
        return out_of_the_way(KERNEL(NR_eventfd2, file->detail[0], OPEN_CLOEXEC | (file->detail[1] != 0)));
    case CHECKPOINT_LISTENER:
        return out_of_the_way(
            KERNEL(NR_socket, file->detail[0], file->detail[1] | OPEN_CLOEXEC, file->detail[2]));
    case CHECKPOINT_EPOLL:
        return out_of_the_way(KERNEL(NR_epoll_create1, OPEN_CLOEXEC));
    case CHECKPOINT_TIMER:
        return open_timer(file);
    case CHECKPOINT_SIGNALS:
        return out_of_the_way(KERNEL(NR_signalfd4, -1, &file->detail[0], 8, OPEN_CLOEXEC));
    case CHECKPOINT_GONE:
        return open_gone();
    }
    return -E_INVAL;
}

/* The file of a shared mapping is mapped when memory is there: restore_files_end(). */
static void make_mapped(struct made *m, uint64_t address, const char *path) {
    const struct made *same = find(CHECKPOINT_MAPPED, m->object, 0);
    m->mapped = address;
    if (same)
        m->fd = same->fd;
    else if (m->file.detail[0])
        m->fd = open_nameless(&m->file);
    else {
        long fd = KERNEL(NR_openat, AT_CWD, path, OPEN_RDWR | OPEN_CLOEXEC, 0);
        m->fd = out_of_the_way(fd >= 0 ? fd : KERNEL(NR_openat, AT_CWD, path, OPEN_RDONLY | OPEN_CLOEXEC, 0));
    }
    if (m->fd < 0)
        fail(m->fd, "the file of a shared mapping cannot be opened", path, m->fd);
}

void restore_file(uint64_t where, const struct checkpoint_file *file, const char *path) {
    int fd = (int)where;
    struct made *m = &made[count];
    if (count == MOST_FILES)
        restart_fail("too many files", "", 0);
    *m = (struct made){.kind = file->kind,
                       .access = file->flags & ACCESS_MODE,
                       .object = file->object,
                       .fd = fd,
                       .other = -1,
                       .file = *file};
    if (file->kind == CHECKPOINT_MAPPED) {
        make_mapped(m, where, path);
        count++;
        return;
    }
    if (where > INT32_MAX)
        restart_fail("a descriptor of no possible number", "", 0);
    if (file->kind == CHECKPOINT_STANDARD) {
        int of = standard[file->detail[0] < 3 ? file->detail[0] : 0];
        if (of >= 0)
            place((int)KERNEL(NR_fcntl, of, FCNTL_DUPFD_CLOEXEC, fd), fd, file, "standard input or output");
        return;
    }
    const struct made *same = find(file->kind, file->object, m->access);
    if (same)
        place((int)KERNEL(NR_fcntl, same->fd, FCNTL_DUPFD_CLOEXEC, fd), fd, file, path);
    else
        put_down(make(m, fd, path), fd, file, path);
    count++;
}

static void listen_again(const struct made *m, const void *address, uint64_t size) {
    int on = 1;
    KERNEL(NR_setsockopt, m->fd, 1, 2 /* SO_REUSEADDR */, &on, sizeof on);
    if (m->file.detail[0] == FAMILY_INTERNET6)
        KERNEL(NR_setsockopt, m->fd, 41, 26 /* IPV6_V6ONLY */, &on, 0);
    long r = size > 2 ? KERNEL(NR_bind, m->fd, address, size) : 0;
    if (r == 0 && m->file.detail[3])
        r = KERNEL(NR_listen, m->fd, 4096);
    if (r)
        fail(m->fd, "its address cannot be used here", "a listening socket", r);
}

static void watch_later(const struct made *m, const void *bytes, uint64_t size) {
    for (uint64_t at = 0; at + sizeof(struct checkpoint_watch) <= size && watches < MOST_WATCHES;
         at += sizeof(struct checkpoint_watch)) {
        struct watch *w = &watch[watches++];
        w->epoll = m->fd;
        __builtin_memcpy(&w->watch, (const char *)bytes + at, sizeof w->watch);
    }
}

void restore_contents(uint64_t where, const void *bytes, uint64_t size) {
    const struct made *m = count ? &made[count - 1] : NULL;
    if (!m)
        restart_fail("contents of no file", "", 0);
    long n = (long)size;
    switch (m->kind) {
    case CHECKPOINT_DELETED:
    case CHECKPOINT_MAPPED:
        n = KERNEL(NR_pwrite64, m->fd, bytes, size, where);
        if (m->kind == CHECKPOINT_DELETED)
            KERNEL(NR_lseek, m->fd, m->file.offset, SEEK_FROM_START);
        break;
    case CHECKPOINT_PIPE: /* into its other end, which is still out of the way, or has been placed */
        for (uint32_t i = 0; i < count; i++)
            if (made[i].kind == CHECKPOINT_PIPE && made[i].object == m->object &&
                (made[i].other >= 0 || made[i].access != OPEN_RDONLY)) {
                n = KERNEL(NR_write, made[i].other >= 0 ? made[i].other : made[i].fd, bytes, size);
                break;
            }
        break;
    case CHECKPOINT_LISTENER:
        listen_again(m, bytes, size);
        break;
    case CHECKPOINT_EPOLL:
        watch_later(m, bytes, size);
        break;
    default:
        restart_fail("contents of a file that has none", "", 0);
    }
    if (n != (long)size)
        fail(m->fd, "its contents cannot be written", "", n < 0 ? n : 0);
}

void restore_files_end(void) {
    for (uint32_t i = 0; i < watches; i++) {
        struct generic_epoll_event event = {watch[i].watch.events, watch[i].watch.data};
        KERNEL(NR_epoll_ctl, watch[i].epoll, 1 /* EPOLL_CTL_ADD */, watch[i].watch.fd, &event);
    }
    for (uint32_t i = 0; i < count; i++) {
        long r = made[i].kind == CHECKPOINT_MAPPED ? memory_restore_file(made[i].mapped, made[i].fd) : 0;
        if (r)
            restart_fail("a shared mapping cannot be made", "", r);
        descriptors_drop(made[i].other); /* nobody has the other end any more */
    }
    for (int i = 0; i < 3; i++)
        descriptors_drop(standard[i]);
    KERNEL(NR_munmap, made, MOST_FILES * sizeof *made);
    KERNEL(NR_munmap, watch, MOST_WATCHES * sizeof *watch);
}
