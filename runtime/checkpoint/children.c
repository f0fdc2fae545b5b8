/* SPDX-License-Identifier: MIT */
#include "checkpoint/children.h"
#include "base/folder.h"
#include "checkpoint/internal.h"

#define LIST_SIZE 16384
#define NAME_SIZE 64

enum { ANY = 0, PROCESS = 1, NO_HANG = 1, STOPPED = 2, EXITED = 4, CONTINUED = 8, NO_WAIT = 0x01000000 };

/* Processes that the run time has made for itself are no children to whom one waits for children. */
static bool is_child(int kind, long pid, int32_t info[32]) {
    const long how = NO_HANG | STOPPED | EXITED | CONTINUED | NO_WAIT;
    info[4] = 0;
    return KERNEL(NR_waitid, kind, pid, info, how, 0) != -E_CHILD;
}

static long read_file(const char *folder, long id, const char *name, char *buffer, size_t size) {
    char path[64];
    struct text t = text_begin(path, sizeof path);
    text_string(&t, folder);
    text_signed(&t, id);
    text_string(&t, name);
    long fd = KERNEL(NR_openat, AT_CWD, path, OPEN_RDONLY | OPEN_CLOEXEC, 0);
    long n = fd < 0 ? fd : KERNEL(NR_read, fd, buffer, size - 1);
    if (fd >= 0)
        KERNEL(NR_close, fd);
    buffer[n > 0 ? n : 0] = 0;
    return n;
}

static void name_one(long pid, bool ended, void (*tell)(const char *, void *), void *state) {
    char name[NAME_SIZE], line[LINE_SIZE];
    long n = read_file("/proc/", pid, "/comm", name, sizeof name);
    if (n > 0 && name[n - 1] == '\n')
        name[n - 1] = 0;
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "a child process, ");
    text_signed(&t, pid);
    text_string(&t, n > 0 ? " (" : "");
    text_string(&t, name);
    text_string(&t, n > 0 ? ")" : "");
    text_string(&t, ended ? ", which has ended" : "");
    tell(line, state);
}

/* Those that one thread has made. */
static uint32_t name_of_thread(long tid, void (*tell)(const char *, void *), void *state) {
    static char list[LIST_SIZE];
    uint32_t named = 0;
    int32_t info[32];
    read_file("/proc/self/task/", tid, "/children", list, sizeof list);
    for (const char *at = list; *at;) {
        uint64_t pid;
        at = text_read_number(at, &pid);
        at += *at != 0;
        if (pid && is_child(PROCESS, (long)pid, info)) {
            name_one((long)pid, info[4] && info[2] >= 1 && info[2] <= 3, tell, state);
            named++;
        }
    }
    return named;
}

bool children_are_there(void) {
    int32_t info[32];
    return is_child(ANY, 0, info);
}

struct naming {
    void (*tell)(const char *line, void *state);
    void *state;
    uint32_t named;
};

static void look_at_thread(const char *name, void *state) {
    struct naming *naming = state;
    uint64_t tid;
    text_read_number(name, &tid);
    if (tid)
        naming->named += name_of_thread((long)tid, naming->tell, naming->state);
}

uint32_t children_name(void (*tell)(const char *line, void *state), void *state) {
    struct naming naming = {tell, state, 0};
    if (!children_are_there())
        return 0;
    int folder = (int)KERNEL(NR_openat, AT_CWD, "/proc/self/task", OPEN_RDONLY | OPEN_CLOEXEC, 0);
    if (folder >= 0) {
        folder_each(folder, look_at_thread, &naming);
        KERNEL(NR_close, folder);
    }
    if (!naming.named)
        tell("a child process", state);
    return naming.named ? naming.named : 1;
}
