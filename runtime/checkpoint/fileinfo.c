/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "checkpoint/files.h"

#define INFO_SIZE (8UL << 20) /* about 100,000 watches of an epoll set */

/* The text of a descriptor's fdinfo in memory of its own, NUL-terminated; NULL if there is none. */
static char *read_info(int fd) {
    char path[64], *info = private_memory(INFO_SIZE);
    struct text t = text_begin(path, sizeof path);
    text_string(&t, "/proc/self/fdinfo/");
    text_signed(&t, fd);
    long file = info ? KERNEL(NR_openat, AT_CWD, path, OPEN_RDONLY | OPEN_CLOEXEC, 0) : -1;
    long n = 0, size = 0;
    while (file >= 0 && size < (long)INFO_SIZE - 1 &&
           (n = KERNEL(NR_read, file, info + size, INFO_SIZE - 1 - (size_t)size)) > 0)
        size += n;
    if (file >= 0)
        KERNEL(NR_close, file);
    return info;
}

static void free_info(char *info) {
    if (info)
        KERNEL(NR_munmap, info, INFO_SIZE);
}

/* Behind the next `name` in the text, or NULL. */
static const char *find(const char *text, const char *name) {
    for (; *text; text++)
        if (text_begins(text, name)) {
            while (*name)
                name++, text++;
            return text;
        }
    return NULL;
}

static uint64_t number(const char **text, unsigned base) {
    uint64_t value = 0;
    while (**text == ' ' || **text == '\t' || **text == '(' || **text == ',')
        (*text)++;
    for (;; (*text)++) {
        int c = **text, digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
        if (digit >= (int)base)
            return value;
        value = value * base + (uint64_t)digit;
    }
}

static uint64_t field(const char *info, const char *name, unsigned base) {
    const char *at = info ? find(info, name) : NULL;
    return at ? number(&at, base) : 0;
}

/* "(seconds, nanoseconds)" */
static uint64_t time_field(const char *info, const char *name) {
    const char *at = info ? find(info, name) : NULL;
    uint64_t seconds = at ? number(&at, 10) : 0;
    return at ? seconds * 1000000000 + number(&at, 10) : 0;
}

void fileinfo_read(struct open_file *f) {
    char *info = read_info(f->fd);
    uint64_t *detail = f->what.detail;
    switch (f->what.kind) {
    case CHECKPOINT_EVENT:
        detail[0] = field(info, "eventfd-count:", 16);
        detail[1] = field(info, "eventfd-semaphore:", 10);
        break;
    case CHECKPOINT_TIMER:
        detail[0] = field(info, "clockid:", 10);
        detail[1] = time_field(info, "it_interval:");
        detail[2] = time_field(info, "it_value:");
        detail[3] = field(info, "ticks:", 10);
        break;
    case CHECKPOINT_SIGNALS:
        detail[0] = field(info, "sigmask:", 16);
        break;
    }
    free_info(info);
}

int64_t checkpoint_timer_ahead(int fd) {
    if (!clock_ahead(CLOCK_MONOTONIC))
        return 0;
    char *info = read_info(fd);
    const char *at = info ? find(info, "clockid:") : NULL;
    int64_t ahead = at ? clock_ahead((long)number(&at, 10)) : 0;
    free_info(info);
    return ahead;
}

/* One line of what an epoll set watches; where the next begins, or NULL. */
static const char *read_watch(const char *at, struct checkpoint_watch *w) {
    w->fd = (int32_t)number(&at, 10);
    at = find(at, "events:");
    w->events = at ? (uint32_t)number(&at, 16) : 0;
    at = at ? find(at, "data:") : NULL;
    w->data = at ? number(&at, 16) : 0;
    return at;
}

void fileinfo_write_watches(struct stream *s, const struct open_file *f) {
    static struct checkpoint_watch watch[1024];
    const uint32_t most = sizeof watch / sizeof *watch;
    char *info = read_info(f->fd);
    uint32_t count = 0;
    uint64_t where = 0;
    for (const char *at = info; at && (at = find(at, "tfd:"));) {
        at = read_watch(at, &watch[count++]);
        if (count < most)
            continue;
        stream_put(s, CHECKPOINT_CONTENT, where, watch, sizeof watch);
        where += sizeof watch;
        count = 0;
    }
    if (count)
        stream_put(s, CHECKPOINT_CONTENT, where, watch, count * sizeof *watch);
    if (!info || info[INFO_SIZE - 2])
        s->error = -E_NOMEM;
    free_info(info);
}

/* "inotify wd:1 ino:2f sdev:fe00001 mask:fce ignored_mask:0 …" */
void fileinfo_each_watch(int fd, void (*visit)(const struct fileinfo_watch *, void *state), void *state) {
    char *info = read_info(fd);
    for (const char *at = info; at && (at = find(at, "inotify wd:"));) {
        struct fileinfo_watch watch = {.number = (uint32_t)number(&at, 16)};
        watch.inode = field(at, "ino:", 16);
        watch.device = field(at, "sdev:", 16);
        watch.mask = (uint32_t)field(at, "mask:", 16);
        visit(&watch, state);
    }
    free_info(info);
}

/* "1: POSIX  ADVISORY  WRITE 4711 08:01:1234 0 EOF", behind the number. False: no lock that comes along. */
static bool read_lock(const char *at, struct checkpoint_lock *lock) {
    const char *inode = find(at, ":"), *end = at;
    while (*end && *end != '\n')
        end++;
    lock->kind = text_begins(at, "POSIX")    ? CHECKPOINT_LOCK_PROCESS
                 : text_begins(at, "OFDLCK") ? CHECKPOINT_LOCK_FILE
                 : text_begins(at, "FLOCK")  ? CHECKPOINT_LOCK_WHOLE
                                             : 0;
    const char *writes = find(at, " WRITE ");
    lock->exclusive = writes && writes < end;
    inode = inode ? find(inode, ":") : NULL; /* behind the device's minor number */
    if (!lock->kind || !inode || inode > end)
        return false;
    number(&inode, 10);
    lock->start = number(&inode, 10);
    while (*inode == ' ')
        inode++;
    lock->end = text_begins(inode, "EOF") ? ~0UL : number(&inode, 10);
    return true;
}

void fileinfo_write_locks(struct stream *s, const struct open_file *f) {
    char *info = read_info(f->fd);
    uint64_t where = 0;
    for (const char *at = info; at && (at = find(at, "lock:")) && (at = find(at, ": "));) {
        struct checkpoint_lock lock;
        while (*at == ' ')
            at++;
        if (!read_lock(at, &lock))
            continue;
        stream_put(s, CHECKPOINT_CONTENT, where, &lock, sizeof lock);
        where += sizeof lock;
    }
    free_info(info);
}
