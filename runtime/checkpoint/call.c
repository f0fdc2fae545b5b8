/* SPDX-License-Identifier: MIT */
/* Checkpoints that the program asks for itself: popcorn_checkpoint(). */
#include <stdatomic.h>

#include "base/descriptors.h"
#include "checkpoint/place.h"
#include "popcorn/query.h"

static char path[CHECKPOINT_PATH];
static const char *file_name; /* the last part of it */

/* Splits it where its folder ends. 0, or a negative errno with no folder open. */
static int open_folder(void) {
    char *slash = NULL;
    for (char *c = path; *c; c++)
        slash = *c == '/' ? c : slash;
    file_name = slash ? slash + 1 : path;
    if (!*file_name || text_equal(file_name, ".") || text_equal(file_name, ".."))
        return -E_ISDIR;
    if (!slash)
        return place_open_folder(".");
    *slash = 0;
    return place_open_folder(*path ? path : "/");
}

static bool keep(struct job *job) {
    long r = place_keep(job, job->folder, file_name);
    if (r)
        job->answer(job, CHECKPOINT_FAILED, r, "it cannot be kept");
    return false;
}

static void work(uint64_t state) {
    struct job job = {.answer = place_tell,
                      .keep = keep,
                      .socket = -1,
                      .stream.fd = -1,
                      .caller = (_Atomic int32_t *)state,
                      .folder = open_folder()};
    long r = job.folder < 0 ? job.folder : place_begin(&job, job.folder);
    if (r == 0)
        job_make(&job);
    else
        place_tell(&job, CHECKPOINT_FAILED, r, "its file cannot be made");
    if (job.folder >= 0)
        place_end(&job, job.folder);
    descriptors_drop(job.folder);
    atomic_store(job.caller,
                 (int32_t)job.error); /* before anyone can make the next, where it would stand as it is */
    KERNEL(NR_futex, job.caller, FUTEX_WAKE, 1);
    job_leave();
}

long checkpoint_call(const char *of, void *state) {
    if (!job_enter())
        return -E_AGAIN;
    long r = 0;
    for (size_t i = 0; r == 0; i++) {
        r = i == sizeof path ? -E_NAMETOOLONG : machine_from_user(&path[i], of + i, 1);
        if (r == 0 && !path[i])
            break;
    }
    if (r == 0 && !helper_start(work, (uint64_t)state))
        r = -E_NOMEM;
    if (r)
        job_leave();
    return r;
}
