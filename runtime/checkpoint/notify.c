/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>

#include "checkpoint/checkpoint.h"
#include "checkpoint/notify.h"
#include "generic.h"

#define SLOTS 8192
#define PROBES 16
#define NUMBER_MOST (1U << 20) /* of a watch: numbers below are used up one by one */
#define PIECE 65536            /* bytes of contents written at once */

enum {
    HOW_MANY = 0x541b,
    DONT_FOLLOW = 0x2000000,
    SOME_EVENT = 0x400 /* the least often: the file itself is removed */
};

enum { EMPTY, BEING_WRITTEN, READY };

/* A path that has been watched. Those without a place are forgotten. */
struct slot {
    _Atomic uint32_t state;
    char path[508];
};

static _Atomic(struct slot *) table;

static struct slot *slots(void) {
    struct slot *there = atomic_load(&table);
    if (there)
        return there;
    struct slot *new = private_memory(SLOTS * sizeof *new);
    if (!new || atomic_compare_exchange_strong(&table, &there, new))
        return new;
    KERNEL(NR_munmap, new, SLOTS * sizeof *new);
    return there;
}

static void remember(const char *path, size_t length) {
    struct slot *all = slots();
    uint64_t place = xxh64(path, length, 0);
    if (!all || path[0] != '/' || length >= sizeof all->path)
        return;
    for (int i = 0; i < PROBES; i++) {
        struct slot *slot = &all[(place + (uint64_t)i) % SLOTS];
        uint32_t state = EMPTY;
        if (atomic_compare_exchange_strong(&slot->state, &state, BEING_WRITTEN)) {
            __builtin_memcpy(slot->path, path, length + 1);
            atomic_store(&slot->state, READY);
            return;
        }
        if (state == READY && text_equal(slot->path, path))
            return;
    }
}

void checkpoint_watched(const char *users, uint32_t mask) {
    char link[64], path[CHECKPOINT_PATH];
    int flags = OPEN_PATH | OPEN_CLOEXEC | (mask & DONT_FOLLOW ? GENERIC_O_NOFOLLOW : 0);
    int fd = (int)KERNEL(NR_openat, AT_CWD, users, flags, 0);
    if (fd < 0)
        return;
    struct text t = text_begin(link, sizeof link);
    text_string(&t, "/proc/self/fd/");
    text_signed(&t, fd);
    long n = KERNEL(NR_readlinkat, AT_CWD, link, path, sizeof path - 1);
    KERNEL(NR_close, fd);
    if (n <= 0)
        return;
    path[n] = 0;
    remember(path, (size_t)n);
}

/*
 * Watches, and their paths.
 */

struct known {
    struct fileinfo_watch watch;
    const char *path;
};

/* Those of one descriptor. */
struct list {
    struct known *known;
    uint32_t count;
    bool whole; /* no more than there is room for */
};

static struct list list_new(void) {
    struct known *known = private_memory(SLOTS * sizeof *known);
    return (struct list){.known = known, .whole = known};
}

static void list_free(struct list *list) {
    if (list->known)
        KERNEL(NR_munmap, list->known, SLOTS * sizeof *list->known);
}

static void add(const struct fileinfo_watch *watch, void *state) {
    struct list *list = state;
    list->whole &= list->count < SLOTS;
    if (list->whole)
        list->known[list->count++].watch = *watch;
}

/* Those of our own descriptor; a watch of it, by its number, has the path of the slot that was watched. */
static void learn(struct list *all) {
    static const char *by_number[SLOTS + 1];
    int fd = (int)KERNEL(NR_inotify_init1, OPEN_CLOEXEC);
    const struct slot *slot = atomic_load(&table);
    for (uint32_t i = 0; fd >= 0 && slot && i < SLOTS; i++) {
        if (atomic_load(&slot[i].state) != READY)
            continue;
        long number = KERNEL(NR_inotify_add_watch, fd, slot[i].path, SOME_EVENT | DONT_FOLLOW);
        if (number > 0 && number <= SLOTS)
            by_number[number] = slot[i].path;
    }
    if (fd < 0)
        return;
    fileinfo_each_watch(fd, add, all);
    KERNEL(NR_close, fd);
    for (uint32_t i = 0; i < all->count; i++)
        all->known[i].path = by_number[all->known[i].watch.number % (SLOTS + 1)];
}

static const char *path_of(const struct list *all, const struct fileinfo_watch *watch) {
    for (uint32_t i = 0; i < all->count; i++)
        if (all->known[i].watch.inode == watch->inode && all->known[i].watch.device == watch->device)
            return all->known[i].path;
    return NULL;
}

/* The kernel names the newest first; they are made anew in the order of their numbers. */
static void sort(struct list *list) {
    for (uint32_t i = 0, j = list->count; i + 1 < j; i++) {
        struct known swapped = list->known[i];
        list->known[i] = list->known[--j];
        list->known[j] = swapped;
    }
    for (uint32_t i = 1; i < list->count; i++) {
        struct known moved = list->known[i];
        uint32_t at = i;
        for (; at && list->known[at - 1].watch.number > moved.watch.number; at--)
            list->known[at] = list->known[at - 1];
        list->known[at] = moved;
    }
}

/* All watches of a descriptor, with their paths. */
static struct list watches_of(int fd) {
    struct list list = list_new(), all = list_new();
    if (list.known && all.known) {
        fileinfo_each_watch(fd, add, &list);
        learn(&all);
    }
    for (uint32_t i = 0; i < list.count; i++)
        list.known[i].path = path_of(&all, &list.known[i].watch);
    list_free(&all);
    sort(&list);
    return list;
}

const char *notify_cannot(int fd, bool running) {
    struct list list = watches_of(fd);
    const char *cannot = list.whole ? NULL : "an inotify with too many watches";
    int waiting = 0;
    for (uint32_t i = 0; i < list.count && !cannot; i++)
        if (!list.known[i].path)
            cannot = "an inotify that watches what cannot be found again by a path";
        else if (list.known[i].watch.number > NUMBER_MOST)
            cannot = "an inotify that has had more than 1,048,576 watches";
    list_free(&list);
    if (!cannot && !running && KERNEL(NR_ioctl, fd, HOW_MANY, &waiting) == 0 && waiting)
        cannot = "an inotify with events that the program has not read";
    return cannot;
}

void notify_write(struct stream *s, const struct open_file *f) {
    static char piece[PIECE];
    struct list list = watches_of(f->fd);
    uint64_t size = 0;
    for (uint32_t i = 0; i < list.count && s->error == 0; i++) {
        const struct known *k = &list.known[i];
        struct checkpoint_notify notify = {k->watch.number, k->watch.mask, 0, 0};
        while (k->path && k->path[notify.path++])
            ;
        if (!notify.path)
            s->error = -E_NOENT;
        if (size + sizeof notify + notify.path > sizeof piece) {
            stream_put(s, CHECKPOINT_CONTENT, 0, piece, size);
            size = 0;
        }
        __builtin_memcpy(piece + size, &notify, sizeof notify);
        __builtin_memcpy(piece + size + sizeof notify, k->path, notify.path);
        size += sizeof notify + notify.path;
    }
    if (size && s->error == 0)
        stream_put(s, CHECKPOINT_CONTENT, 0, piece, size);
    if (!list.whole)
        s->error = -E_NOMEM;
    list_free(&list);
}

/*
 * The other way.
 */

/* Numbers rise by one: what lies between is made and given back. */
static long watch_as(int fd, uint32_t number, const char *path, uint32_t mask, uint64_t last) {
    for (;;) {
        long r = KERNEL(NR_inotify_add_watch, fd, path, mask | DONT_FOLLOW);
        if (r < 0 || r == (long)number)
            return r < 0 ? r : 0;
        if (r > (long)number || r <= (long)last) /* or it is one of those that were made before */
            return -E_EXIST;
        KERNEL(NR_inotify_rm_watch, fd, r);
        last = (uint64_t)r;
    }
}

/* What giving back has told. */
static void drain(int fd) {
    char events[4096];
    for (int waiting = 1; KERNEL(NR_ioctl, fd, HOW_MANY, &waiting) == 0 && waiting;)
        KERNEL(NR_read, fd, events, sizeof events);
}

long notify_restore(int fd, const char *bytes, uint64_t size, uint64_t *last, char path[CHECKPOINT_PATH]) {
    struct checkpoint_notify notify;
    path[0] = 0;
    for (uint64_t at = 0; at < size; at += sizeof notify + notify.path) {
        if (size - at < sizeof notify)
            return -E_INVAL;
        __builtin_memcpy(&notify, bytes + at, sizeof notify);
        if (!notify.path || notify.path > CHECKPOINT_PATH || notify.path > size - at - sizeof notify ||
            notify.number <= *last || notify.number > NUMBER_MOST)
            return -E_INVAL;
        __builtin_memcpy(path, bytes + at + sizeof notify, notify.path);
        path[notify.path - 1] = 0;
        long r = watch_as(fd, notify.number, path, notify.mask, *last);
        if (r)
            return r;
        checkpoint_watched(path, DONT_FOLLOW);
        *last = notify.number;
    }
    drain(fd);
    return (long)size;
}
