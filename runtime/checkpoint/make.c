/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint is made by a native thread of its own, which belongs to no thread of the program: none of them
 * has to do anything for it but come to a point.
 */
#include <stdatomic.h>

#include "base/descriptors.h"
#include "base/home.h"
#include "checkpoint/job.h"
#include "machine/boot.h"
#include "memory/memory.h"
#include "memory/regions.h"
#include "memory/touched.h"
#include "node/image.h"

#define STACK (256UL << 10)
#define THREAD_FLAGS (0x50f00 | CLONE_SETTLS) /* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
#define TELL_EACH (8UL << 20)                 /* bytes between two words about progress */
#define WAIT_FOR_CLONE 0x40000000             /* __WALL */

static void tell_progress(struct stream *s) {
    struct job *job = s->asked;
    if (s->offset - s->told < TELL_EACH)
        return;
    s->told = s->offset;
    job->answer(job, CHECKPOINT_PROGRESS, 0, "");
}

static void tell_obstacle(const char *line, void *state) {
    struct job *job = state;
    job->answer(job, CHECKPOINT_CANNOT, 0, line);
}

static bool has_children(void) {
    enum { ALL = 0, NO_HANG = 1, STOPPED = 2, EXITED = 4, CONTINUED = 8, NO_WAIT = 0x01000000 };
    uint64_t info[16];
    return KERNEL(NR_waitid, ALL, 0, info, NO_HANG | STOPPED | EXITED | CONTINUED | NO_WAIT, 0) != -E_CHILD;
}

static bool has_segments(void) {
    const struct region *r = NULL;
    for (uint32_t i = 0; (r = memory_region(i)) && r->kind != REGION_SEGMENT; i++)
        ;
    return r;
}

static int list_files(struct job *job, struct file_list *list) {
    *list = (struct file_list){
        .flags = job->flags, .except = job->stream.fd, .cannot = tell_obstacle, .state = job};
    int r = files_list(list);
    if (r == 0 && has_children() && !(job->flags & CHECKPOINT_DROP_CHILDREN)) {
        tell_obstacle("a child process", job);
        list->lost++;
    }
    if (r == 0 && has_segments()) {
        tell_obstacle("System V shared memory", job);
        list->lost++;
    }
    return r;
}

static void fail(struct job *job, long error, const char *line) {
    job->answer(job, CHECKPOINT_FAILED, error, line);
}

/* Before anything is stopped. */
static bool look_ahead(struct job *job) {
    struct file_list list;
    if (home_machines) {
        fail(job, 0,
             "the program's nodes are other machines: bring it home and leave POPCORN_BACKEND=kernel out");
        return false;
    }
    int r = list_files(job, &list);
    files_free(&list);
    if (r || list.lost)
        fail(job, r, r ? "its files cannot be listed" : "");
    return r == 0 && list.lost == 0;
}

/* The program's file does not change while it runs, so all of this goes on while the program works. */
static bool write_program(struct job *job) {
    static uint8_t buffer[65536];
    struct sha256 hash;
    struct stream *s = &job->stream;
    int file = image_program();
    if (file < 0) {
        fail(job, file, "the program's file cannot be opened");
        return false;
    }
    sha256_begin(&hash);
    for (;;) {
        long n = KERNEL(NR_pread64, file, buffer, sizeof buffer, job->program_size);
        if (n == -E_INTR)
            continue;
        if (n < 0)
            s->error = n;
        if (n <= 0)
            break;
        sha256_add(&hash, buffer, (size_t)n);
        if (!(job->flags & CHECKPOINT_NO_PROGRAM))
            stream_put(s, CHECKPOINT_PROGRAM, job->program_size, buffer, (uint64_t)n);
        job->program_size += (uint64_t)n;
    }
    KERNEL(NR_close, file);
    sha256_end(&hash, job->digest);
    if (s->error)
        fail(job, s->error, "it cannot be written");
    return s->error == 0;
}

/* All that the program could change as soon as it goes on, but for its memory. */
static bool write_stopped(struct job *job) {
    struct file_list list;
    struct stream *s = &job->stream;
    int r = list_files(job, &list);
    if (r == 0 && list.lost == 0) {
        write_process(s, &list, !(job->flags & CHECKPOINT_NO_PROGRAM), job->program_size, job->digest);
        files_write(&list, s);
        write_threads(s);
    }
    files_free(&list);
    if (r || list.lost)
        fail(job, r, r ? "its files cannot be listed" : "");
    else if (s->error)
        fail(job, s->error, "it cannot be written");
    return r == 0 && list.lost == 0 && s->error == 0;
}

static void write_rest(struct stream *s) {
    if (write_memory(s) == 0)
        stream_end(s);
}

/*
 * While memory is private, a child has a snapshot of it at once, and the program can go on while it is
 * written. The child raises no signal when it ends, and no waiting of the program sees it.
 */
static bool write_by_child(struct job *job) {
    struct {
        uint64_t offset;
        long error;
    } end = {0, -E_IO};
    int pipe[2], status;
    if (KERNEL(NR_pipe2, pipe, OPEN_CLOEXEC))
        return false;
    long pid = KERNEL(NR_clone, 0, 0, 0, 0, 0);
    if (pid == 0) {
        write_rest(&job->stream);
        end.offset = job->stream.offset;
        end.error = job->stream.error;
        KERNEL(NR_write, pipe[1], &end, sizeof end);
        KERNEL(NR_exit_group, 0);
    }
    KERNEL(NR_close, pipe[1]);
    if (pid > 0) {
        gather_release();
        while (KERNEL(NR_read, pipe[0], &end, sizeof end) == -E_INTR)
            ;
        while (KERNEL(NR_wait4, pid, &status, WAIT_FOR_CLONE, 0) == -E_INTR)
            ;
        job->stream.offset = end.offset;
        job->stream.error = end.error;
    }
    KERNEL(NR_close, pipe[0]);
    return pid > 0;
}

static atomic_bool busy;

bool job_enter(void) {
    return !atomic_exchange(&busy, true);
}

void job_leave(void) {
    atomic_store(&busy, false);
}

void job_make(struct job *job) {
    char line[LINE_SIZE];
    bool end = false, stop = job->flags & CHECKPOINT_STOP;
    job->stream.progress = tell_progress;
    job->stream.asked = job;
    stream_head(&job->stream);
    if (!look_ahead(job) || !write_program(job))
        return;
    int r = gather(line);
    if (r) {
        fail(job, r, line);
        return;
    }
    bool good = write_stopped(job), released = good && !stop && memory_file() < 0 && write_by_child(job);
    if (good && !released)
        write_rest(&job->stream);
    if (good && job->stream.error)
        fail(job, job->stream.error, "it cannot be written");
    else if (good)
        end = job->keep(job);
    if (good && end)
        KERNEL(NR_exit_group, CHECKPOINT_EXIT);
    if (!released)
        gather_release();
}

/*
 * The helper.
 */

/* Its thread block, and what it does, at the top of its stack. */
struct helper {
    struct machine_block block;
    uintptr_t stack;
    void (*work)(uint64_t);
    uint64_t argument;
};

static int help(void *argument) {
    const struct helper *helper = argument;
    helper->work(helper->argument);
    machine_unmap_and_exit((void *)helper->stack, STACK);
}

/* What it inherits of the caller is the signal mask: nothing reaches it. */
bool helper_start(void (*work)(uint64_t), uint64_t argument) {
    char *stack = private_memory(STACK);
    uint64_t all = ~0ULL, before;
    if (!stack)
        return false;
    struct helper *helper = (struct helper *)(stack + STACK - sizeof *helper);
    *helper = (struct helper){{.self = &helper->block}, (uintptr_t)stack, work, argument};
    KERNEL(NR_rt_sigprocmask, MASK_SET, &all, &before, 8);
    long tid = machine_clone(THREAD_FLAGS, (void *)((uintptr_t)helper & -16UL), NULL, &helper->block, NULL,
                             help, helper);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &before, 0, 8);
    if (tid < 0)
        KERNEL(NR_munmap, stack, STACK);
    return tid >= 0;
}
