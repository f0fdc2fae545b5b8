/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint is made by a native thread of its own, which belongs to no thread of the program: none of them
 * has to do anything for it but come to a point.
 */
#include <stdatomic.h>

#include "base/descriptors.h"
#include "base/home.h"
#include "checkpoint/children.h"
#include "checkpoint/job.h"
#include "checkpoint/tree.h"
#include "machine/boot.h"
#include "memory/memory.h"
#include "memory/regions.h"
#include "memory/touched.h"
#include "node/image.h"
#include "popcorn/query.h"
#include "signal/signals.h"

#define STACK (256UL << 10)
#define THREAD_FLAGS (0x50f00 | CLONE_SETTLS) /* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
#define TELL_EACH (8UL << 20)                 /* bytes between two words about progress */
#define WAIT_FOR_CLONE 0x40000000             /* __WALL */
#define END_WITH_PARENT 1                     /* PR_SET_PDEATHSIG */

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

static bool has_segments(void) {
    const struct region *r = NULL;
    for (uint32_t i = 0; (r = memory_region(i)) && r->kind != REGION_SEGMENT; i++)
        ;
    return r;
}

static int list_files(struct job *job, struct file_list *list, bool running) {
    *list = (struct file_list){.flags = job->flags,
                               .except = job->stream.fd,
                               .running = running,
                               .cannot = tell_obstacle,
                               .state = job};
    int r = files_list(list);
    if (r == 0 && !tree_is_there() && !(job->flags & CHECKPOINT_DROP_CHILDREN))
        list->lost += children_name(tell_obstacle, job);
    if (r == 0 && has_segments()) {
        tell_obstacle("System V shared memory", job);
        list->lost++;
    }
    if (r == 0 && has_lost_timer() && !(job->flags & CHECKPOINT_DROP_FILES)) {
        tell_obstacle("a timer of timer_create() by a thread's processor time", job);
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
    int r = list_files(job, &list, true);
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
    int r = list_files(job, &list, false);
    if (r == 0 && list.lost == 0) {
        write_process(s, !(job->flags & CHECKPOINT_NO_PROGRAM), job->program_size, job->digest);
        files_write(&list, s);
        write_threads(s);
        write_timers(s);
        tree_write_children(s);
    }
    files_free(&list);
    if (r || list.lost)
        fail(job, r, r ? "its files cannot be listed" : "");
    else if (s->error)
        fail(job, s->error, "it cannot be written");
    return r == 0 && list.lost == 0 && s->error == 0;
}

/* What the caller of popcorn_checkpoint() finds: in the memory that is written, that it goes on from it. */
static void tell_caller(const struct job *job, int32_t state) {
    if (job->caller)
        atomic_store(job->caller, state);
}

#define ROUNDS_MOST 8
#define ROUND_ENOUGH (2UL << 20) /* bytes: so few may as well go when the threads stand still */

static void write_rest(struct stream *s) {
    if (write_memory(s) == 0)
        stream_end(s);
}

static void reap(long pid) {
    int status;
    while (KERNEL(NR_wait4, pid, &status, WAIT_FOR_CLONE, 0) == -E_INTR)
        ;
}

static long keeper; /* a child that still has its snapshot, or 0 */

static void drop_keeper(void) {
    if (!keeper)
        return;
    KERNEL(NR_kill, keeper, SIGNAL_KILL);
    reap(keeper);
    keeper = 0;
}

/*
 * While memory is private, a child has a snapshot of it at once, and the program can go on while it is
 * written. The child raises no signal when it ends, and no waiting of the program sees it. One that keeps its
 * snapshot stays until drop_keeper(). False: there was none, and nothing has been written.
 */
static bool write_by_child(struct job *job, void (*write)(struct stream *), bool keeps) {
    struct {
        uint64_t offset, number;
        long error;
    } end = {0, 0, -E_IO};
    int pipe[2];
    if (!memory_may_have_child() || KERNEL(NR_pipe2, pipe, OPEN_CLOEXEC))
        return false;
    long parent = KERNEL(NR_getpid), pid = KERNEL(NR_clone, 0, 0, 0, 0, 0);
    if (pid == 0) {
        KERNEL(NR_prctl, END_WITH_PARENT, SIGNAL_KILL);
        if (KERNEL(NR_getppid) != parent)
            KERNEL(NR_exit_group, 1);
        write(&job->stream);
        end.offset = job->stream.offset;
        end.number = job->stream.number;
        end.error = job->stream.error;
        KERNEL(NR_write, pipe[1], &end, sizeof end);
        while (keeps)
            KERNEL(NR_ppoll, NULL, 0, NULL, NULL, 0);
        KERNEL(NR_exit_group, 0);
    }
    KERNEL(NR_close, pipe[1]);
    if (pid > 0) {
        tell_caller(job, POPCORN_CHECKPOINT_WAITS);
        gather_release();
        while (KERNEL(NR_read, pipe[0], &end, sizeof end) == -E_INTR)
            ;
        if (keeps)
            keeper = pid;
        else
            reap(pid);
        job->stream.offset = end.offset;
        job->stream.number = end.number;
        job->stream.error = end.error;
    }
    KERNEL(NR_close, pipe[0]);
    return pid > 0;
}

/*
 * All but the last round. The threads come together for each, only as long as it takes to make the child.
 * False if there is no use in going on, and that has been said.
 */
static bool write_rounds(struct job *job) {
    char line[LINE_SIZE];
    uint64_t before = 0, bytes = ROUND_ENOUGH;
    if (!(job->flags & CHECKPOINT_LIVE) || memory_file() >= 0 || !live_begin())
        return true;
    for (int i = 0; i < ROUNDS_MOST && bytes >= ROUND_ENOUGH && (!before || bytes < before - before / 4);
         i++) {
        uint64_t at = job->stream.offset;
        int r = gather(line);
        if (r) {
            fail(job, r, line);
            return false;
        }
        before = i ? bytes : 0;
        live_look(keeper);
        drop_keeper();
        if (memory_file() >= 0 || !write_by_child(job, live_write_round, true)) {
            gather_release();
            return true;
        }
        if (job->stream.error) {
            fail(job, job->stream.error, "it cannot be written");
            return false;
        }
        bytes = job->stream.offset - at;
    }
    return true;
}

static bool may_go_on(struct job *job) {
    return !job->step || job->step(job);
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
    if (!look_ahead(job) || !write_program(job) || !may_go_on(job))
        return;
    bool begun = write_rounds(job);
    int r = begun ? gather(line) : 0;
    if (!r && begun)
        live_look(keeper);
    drop_keeper();
    if (r)
        fail(job, r, line);
    if (r || !begun) {
        live_end();
        return;
    }
    tell_caller(job, POPCORN_CHECKPOINT_RESTARTED);
    bool good = may_go_on(job) && write_stopped(job) && may_go_on(job),
         released = good && !stop && memory_file() < 0 && write_by_child(job, write_rest, false);
    if (good && !released)
        (job->flags & CHECKPOINT_LIVE ? live_write_last : write_rest)(&job->stream);
    live_end();
    if (good && job->stream.error)
        fail(job, job->stream.error, "it cannot be written");
    else if (good)
        end = job->keep(job);
    if (good && end)
        KERNEL(NR_exit_group, CHECKPOINT_EXIT);
    if (!released) {
        tell_caller(job, POPCORN_CHECKPOINT_WAITS);
        gather_release();
    }
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
