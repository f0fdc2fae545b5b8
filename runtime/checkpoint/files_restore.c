/* SPDX-License-Identifier: MIT */
/* The files of a checkpoint in a new process: each under its old number. */
#include "base/descriptors.h"
#include "checkpoint/files.h"
#include "checkpoint/notify.h"
#include "checkpoint/pairs.h"
#include "checkpoint/restore.h"
#include "generic.h"
#include "memory/touched.h"

#define MOST_FILES 65536
#define MOST_WATCHES (1U << 20)
#define MOST_LOCKS 65536
#define OPEN_AGAIN ~(0100U | 0200U | 01000U | GENERIC_O_LARGEFILE) /* without O_CREAT, O_EXCL, O_TRUNC */
#define STATUS_FLAGS (02000U | 04000U | 020000U | 040000U) /* O_APPEND, O_NONBLOCK, O_ASYNC, O_DIRECT */
#define ACCESS_MODE 3U

enum { FAMILY_UNIX = 1, TYPE_STREAM = 1 };

/* What has been made: descriptors of the same object are made of it. */
struct made {
    uint32_t kind, access;
    uint64_t object, mapped;
    int fd, other; /* other: of a pipe whose second end nobody has asked for yet, or -1 */
    bool cut;      /* the file is longer by now: it is cut when nothing can fail any more */
    struct checkpoint_file file;
};

struct watch {
    int epoll;
    struct checkpoint_watch watch;
};

struct lock {
    int fd;
    struct checkpoint_lock lock;
};

static struct made *made;
static uint32_t count, watches, locks;
static struct watch *watch;
static struct lock *lock;
static int standard[3] = {-1, -1, -1};
static struct checkpoint_shared shared; /* of the file that is being made; no holders: nobody else has it */

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
    lock = private_memory(MOST_LOCKS * sizeof *lock);
    if (!made || !watch || !lock)
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
static void check_unchanged(struct made *m, int fd, int opened, const char *path) {
    const struct checkpoint_file *file = &m->file;
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
    m->cut = (file->flags & ACCESS_MODE) != OPEN_RDONLY && (uint64_t)stat.size > file->size;
}

static int open_file(struct made *m, int fd, const char *path) {
    const struct checkpoint_file *file = &m->file;
    int opened = (int)KERNEL(NR_openat, AT_CWD, path, (file->flags & OPEN_AGAIN) | OPEN_CLOEXEC, 0);
    if (opened < 0)
        fail(fd, "cannot be opened", path, opened);
    if (file->kind == CHECKPOINT_REGULAR) {
        check_unchanged(m, fd, opened, path);
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

static int open_pair(struct made *m) {
    int end[2];
    long r = KERNEL(NR_socketpair, FAMILY_UNIX, m->file.detail[1] | OPEN_CLOEXEC, 0, end);
    if (r)
        return (int)r;
    pairs_remember(end);
    m->other = out_of_the_way(end[1]);
    return out_of_the_way(end[0]);
}

/* The other end of the socketpair is made already, and out of the way: it is this one. */
static int take_other_socket(const struct made *m) {
    for (uint32_t i = 0; i < count; i++)
        if (made[i].kind == CHECKPOINT_PAIR && made[i].object == m->file.detail[0] && made[i].other >= 0) {
            int fd = made[i].other;
            made[i].other = -1;
            return fd;
        }
    return -1;
}

/* What sends to it: its other end, wherever that is. */
static int other_socket(const struct made *m) {
    for (uint32_t i = 0; m->other < 0 && i < count; i++)
        if (made[i].kind == CHECKPOINT_PAIR && made[i].object == m->file.detail[0])
            return made[i].fd;
    return m->other;
}

static long send_again(const struct made *m, const char *bytes, uint64_t size) {
    uint64_t length;
    for (uint64_t at = 0; at < size; at += sizeof length + length) {
        if (size - at < sizeof length)
            return -E_INVAL;
        __builtin_memcpy(&length, bytes + at, sizeof length);
        if (length > size - at - sizeof length)
            return -E_INVAL;
        long n = KERNEL(NR_sendto, other_socket(m), bytes + at + sizeof length, length,
                        0x4040 /* no signal, at once */);
        if (n != (long)length)
            return n < 0 ? n : -E_NOSPC;
    }
    return (long)size;
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

static int make_new(struct made *m, int fd, const char *path) {
    const struct checkpoint_file *file = &m->file;
    switch (file->kind) {
    case CHECKPOINT_REGULAR:
    case CHECKPOINT_DEVICE:
        return open_file(m, fd, path);
    case CHECKPOINT_DELETED:
        return open_nameless(file);
    case CHECKPOINT_PIPE:
        return open_pipe(m);
    case CHECKPOINT_PAIR:
        return open_pair(m);
    case CHECKPOINT_EVENT:
        return out_of_the_way(KERNEL(NR_eventfd2, file->detail[0], OPEN_CLOEXEC | (file->detail[1] != 0)));
    case CHECKPOINT_LISTENER:
        return out_of_the_way(
            KERNEL(NR_socket, file->detail[0], file->detail[1] | OPEN_CLOEXEC, file->detail[2]));
    case CHECKPOINT_EPOLL:
        return out_of_the_way(KERNEL(NR_epoll_create1, OPEN_CLOEXEC));
    case CHECKPOINT_NOTIFY:
        return out_of_the_way(KERNEL(NR_inotify_init1, OPEN_CLOEXEC));
    case CHECKPOINT_TIMER:
        return open_timer(file);
    case CHECKPOINT_SIGNALS:
        return out_of_the_way(KERNEL(NR_signalfd4, -1, &file->detail[0], 8, OPEN_CLOEXEC));
    case CHECKPOINT_GONE:
        return open_gone();
    }
    return -E_INVAL;
}

/* A pipe goes from hand to hand as its reading end and its writing end, in this order. */
static bool is_turned(const struct made *m) {
    return m->kind == CHECKPOINT_PIPE && m->access != OPEN_RDONLY;
}

static int receive(struct made *m) {
    int end[2];
    shared_receive(&shared, m->kind, end);
    m->other = end[!is_turned(m)];
    if (m->kind == CHECKPOINT_PAIR && end[1] >= 0)
        pairs_remember(end);
    return end[is_turned(m)];
}

static void give(const struct made *m, int fd) {
    const int end[2] = {fd, m->other}, turned[2] = {m->other, fd};
    if (fd >= 0)
        shared_give(&shared, m->kind, m->kind == CHECKPOINT_PAIR ? m->file.detail[0] : 0,
                    is_turned(m) ? turned : end);
}

/* By this process, or by another one that has it, too. */
static int make_or_receive(struct made *m, int fd, const char *path) {
    if (shared.holders && !shared_makes(&shared))
        return receive(m);
    int from = m->kind == CHECKPOINT_MAPPED ? open_nameless(&m->file) : make_new(m, fd, path);
    if (shared.holders)
        give(m, from);
    return from;
}

static int make(struct made *m, int fd, const char *path) {
    int end = m->kind == CHECKPOINT_PIPE                        ? take_other_end(m->object)
              : m->kind == CHECKPOINT_PAIR && m->file.detail[0] ? take_other_socket(m)
                                                                : -1;
    return end >= 0 ? end : make_or_receive(m, fd, path);
}

/* The file of a shared mapping is mapped when memory is there: restore_files_end(). */
static void make_mapped(struct made *m, uint64_t address, const char *path) {
    const struct made *same = find(CHECKPOINT_MAPPED, m->object, 0);
    m->mapped = address;
    if (same)
        m->fd = same->fd;
    else if (m->file.detail[0])
        m->fd = make_or_receive(m, -1, "");
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
    shared = shared_take_next();
    if (shared.holders && shared.object != file->object)
        restart_fail("it is damaged", "", 0);
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

/* The file of a unix socket that nobody listens at any more is in the way of who was it. */
static bool remove_deserted(const struct made *m, const void *address, uint64_t size) {
    const char *path = (const char *)address + 2;
    if (m->file.detail[0] != FAMILY_UNIX || size <= 2 || !path[0])
        return false;
    long fd = KERNEL(NR_socket, m->file.detail[0], m->file.detail[1] | OPEN_CLOEXEC, 0);
    long r = KERNEL(NR_connect, fd, address, size);
    KERNEL(NR_close, fd);
    return r == -E_CONNREFUSED && KERNEL(NR_unlinkat, AT_CWD, path, 0) == 0;
}

static void listen_again(const struct made *m, const void *address, uint64_t size) {
    for (size_t i = 0; i < SOCKET_OPTIONS; i++) {
        int on = (m->file.detail[3] & socket_options[i].flag) != 0;
        KERNEL(NR_setsockopt, m->fd, socket_options[i].level, socket_options[i].option, &on, sizeof on);
    }
    int on = 1; /* what its connections leave behind must not keep the address */
    KERNEL(NR_setsockopt, m->fd, 1, 2 /* SO_REUSEADDR */, &on, sizeof on);
    long r = size > 2 ? KERNEL(NR_bind, m->fd, address, size) : 0;
    if (r == -E_ADDRINUSE && remove_deserted(m, address, size))
        r = KERNEL(NR_bind, m->fd, address, size);
    on = (m->file.detail[3] & CHECKPOINT_REUSE_ADDRESS) != 0;
    KERNEL(NR_setsockopt, m->fd, 1, 2, &on, sizeof on);
    if (r == 0 && m->file.detail[3] & CHECKPOINT_LISTENS)
        r = KERNEL(NR_listen, m->fd, 4096);
    if (r)
        fail(m->fd, "its address cannot be used here", "a listening socket", r);
}

static void watch_later(const struct made *m, const void *bytes, uint64_t size) {
    for (uint64_t at = 0; at + sizeof(struct checkpoint_watch) <= size;
         at += sizeof(struct checkpoint_watch)) {
        struct watch *w = &watch[watches++];
        if (watches > MOST_WATCHES)
            restart_fail("too many watches of epoll sets", "", 0);
        w->epoll = m->fd;
        __builtin_memcpy(&w->watch, (const char *)bytes + at, sizeof w->watch);
    }
}

static void watch_again(struct made *m, const void *bytes, uint64_t size) {
    char path[CHECKPOINT_PATH];
    long r = notify_restore(m->fd, bytes, size, &m->file.detail[0], path);
    if (r < 0)
        fail(m->fd, "cannot be watched again", path, r);
}

static void lock_later(const struct made *m, const void *bytes, uint64_t size) {
    if (size != sizeof lock->lock || locks == MOST_LOCKS)
        restart_fail("too many locks", "", 0);
    lock[locks].fd = m->fd;
    __builtin_memcpy(&lock[locks++].lock, bytes, size);
}

/* Of a pipe: it is still out of the way, or has been placed. */
static int writing_end(uint64_t object) {
    for (uint32_t i = 0; i < count; i++) {
        const struct made *m = &made[i];
        if (m->kind == CHECKPOINT_PIPE && m->object == object && (m->access != OPEN_RDONLY || m->other >= 0))
            return m->access != OPEN_RDONLY ? m->fd : m->other;
    }
    return -1;
}

void restore_contents(uint64_t where, const void *bytes, uint64_t size) {
    struct made *m = count ? &made[count - 1] : NULL;
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
    case CHECKPOINT_PIPE:
        n = KERNEL(NR_write, writing_end(m->object), bytes, size);
        break;
    case CHECKPOINT_PAIR:
        n = send_again(m, bytes, size);
        break;
    case CHECKPOINT_LISTENER:
        listen_again(m, bytes, size);
        break;
    case CHECKPOINT_EPOLL:
        watch_later(m, bytes, size);
        break;
    case CHECKPOINT_NOTIFY:
        watch_again(m, bytes, size);
        break;
    case CHECKPOINT_REGULAR:
        lock_later(m, bytes, size);
        break;
    default:
        restart_fail("contents of a file that has none", "", 0);
    }
    if (n != (long)size)
        fail(m->fd, "its contents cannot be written", "", n < 0 ? n : 0);
}

/* When nothing of these files is closed any more: that would release the process's locks. */
static void lock_again(const struct lock *l) {
    enum { SET_OF_PROCESS = 6, SET_OF_FILE = 37, SHARED = 1, EXCLUSIVE = 2, AT_ONCE = 4 };
    struct {
        int16_t type, whence;
        int64_t start, length;
        int32_t pid;
    } range = {.type = l->lock.exclusive != 0,
               .start = (int64_t)l->lock.start,
               .length = l->lock.end == ~0UL ? 0 : (int64_t)(l->lock.end - l->lock.start + 1)};
    long r = l->lock.kind == CHECKPOINT_LOCK_WHOLE
                 ? KERNEL(NR_flock, l->fd, (l->lock.exclusive ? EXCLUSIVE : SHARED) | AT_ONCE)
                 : KERNEL(NR_fcntl, l->fd,
                          l->lock.kind == CHECKPOINT_LOCK_FILE ? SET_OF_FILE : SET_OF_PROCESS, &range);
    if (r)
        fail(l->fd, "its lock cannot be had, as somebody else has one", "a locked file", r);
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
        if (made[i].kind == CHECKPOINT_PAIR && made[i].file.detail[2])
            KERNEL(NR_shutdown, other_socket(&made[i]), 1 /* SHUT_WR */);
        if (made[i].cut)
            KERNEL(NR_ftruncate, made[i].fd, made[i].file.size);
        descriptors_drop(made[i].other); /* nobody has the other end any more */
    }
    descriptors_drop(standard[0]);
    descriptors_drop(standard[1]);
    for (uint32_t i = 0; i < locks; i++)
        lock_again(&lock[i]);
    descriptors_drop(standard[2]);
    KERNEL(NR_munmap, lock, MOST_LOCKS * sizeof *lock);
    KERNEL(NR_munmap, made, MOST_FILES * sizeof *made);
    KERNEL(NR_munmap, watch, MOST_WATCHES * sizeof *watch);
}
