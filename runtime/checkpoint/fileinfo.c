/* SPDX-License-Identifier: MIT */
#include "checkpoint/files.h"

#define INFO_SIZE (1UL << 20)

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

void fileinfo_write_watches(struct stream *s, const struct open_file *f) {
    static struct checkpoint_watch watch[1024];
    char *info = read_info(f->fd);
    const char *at = info;
    uint32_t count = 0;
    while (at && (at = find(at, "tfd:")) && count < sizeof watch / sizeof *watch) {
        struct checkpoint_watch *w = &watch[count++];
        w->fd = (int32_t)number(&at, 10);
        at = find(at, "events:");
        w->events = at ? (uint32_t)number(&at, 16) : 0;
        at = at ? find(at, "data:") : NULL;
        w->data = at ? number(&at, 16) : 0;
    }
    if (count)
        stream_put(s, CHECKPOINT_CONTENT, 0, watch, count * sizeof *watch);
    if (at)
        s->error = -E_NOMEM;
    free_info(info);
}
