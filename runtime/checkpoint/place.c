/* SPDX-License-Identifier: MIT */
#include "checkpoint/place.h"
#include "base/descriptors.h"
#include "base/message.h"
#include "generic.h"

#define TEMPORARY ".checkpoint-of-"

enum { LOCK_ALONE = 2, LOCK_AT_ONCE = 4 }; /* flock() */

static char temporary[64]; /* there is one job at a time */

int place_open_folder(const char *path) {
    return descriptors_keep(
        (int)KERNEL(NR_openat, AT_CWD, path, OPEN_RDONLY | OPEN_CLOEXEC | GENERIC_O_DIRECTORY, 0));
}

long place_begin(struct job *job, int folder) {
    struct text t = text_begin(temporary, sizeof temporary);
    text_string(&t, TEMPORARY);
    text_signed(&t, KERNEL(NR_getpid));
    KERNEL(NR_unlinkat, folder, temporary, 0);
    long fd = KERNEL(NR_openat, folder, temporary,
                     OPEN_WRONLY | OPEN_CREATE | OPEN_EXCLUSIVE | GENERIC_O_NOFOLLOW | OPEN_CLOEXEC, 0600);
    if (fd < 0)
        temporary[0] = 0;
    else
        KERNEL(NR_flock, fd, LOCK_ALONE | LOCK_AT_ONCE);
    job->stream.fd = descriptors_keep((int)fd);
    return job->stream.fd < 0 ? job->stream.fd : 0;
}

long place_keep(struct job *job, int folder, const char *name) {
    long r = KERNEL(NR_fsync, job->stream.fd);
    if (r == 0)
        r = KERNEL(NR_renameat2, folder, temporary, folder, name, 0);
    if (r)
        return r;
    temporary[0] = 0;
    KERNEL(NR_fsync, folder);
    return 0;
}

void place_end(struct job *job, int folder) {
    if (temporary[0])
        KERNEL(NR_unlinkat, folder, temporary, 0);
    temporary[0] = 0;
    descriptors_drop(job->stream.fd);
}

bool place_is_temporary(const char *name) {
    return text_begins(name, TEMPORARY);
}

void place_clear(int folder, const char *name) {
    long fd =
        KERNEL(NR_openat, folder, name, OPEN_RDONLY | OPEN_CLOEXEC | OPEN_NONBLOCK | GENERIC_O_NOFOLLOW, 0);
    if (fd < 0)
        return;
    if (KERNEL(NR_flock, fd, LOCK_ALONE | LOCK_AT_ONCE) == 0)
        KERNEL(NR_unlinkat, folder, name, 0);
    KERNEL(NR_close, fd);
}

void place_tell(struct job *job, enum checkpoint_answer_kind kind, long error, const char *text) {
    char line[LINE_SIZE + 64];
    struct text t = text_begin(line, sizeof line);
    if (kind == CHECKPOINT_FAILED)
        job->error = error ? error : -E_NOTSUP;
    if ((kind != CHECKPOINT_CANNOT && kind != CHECKPOINT_FAILED) || (kind == CHECKPOINT_FAILED && !text[0]))
        return;
    text_string(&t, kind == CHECKPOINT_CANNOT ? "no checkpoint: cannot come along: " : "no checkpoint: ");
    text_string(&t, text);
    text_string(&t, error ? ": " : "");
    text_string(&t, error ? text_error((int)-error) : "");
    popcorn_message(line);
}
