/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint is ordered by the command, and made by a native thread of its own, which belongs to no thread
 * of the program: none of them has to do anything for it but come to a point.
 */
#include <stdatomic.h>

#include "base/critical.h"
#include "base/descriptors.h"
#include "base/home.h"
#include "checkpoint/internal.h"
#include "machine/boot.h"
#include "memory/memory.h"
#include "memory/regions.h"
#include "memory/touched.h"
#include "node/image.h"
#include "popcorn/sha256.h"
#include "thread/native.h"

#define STACK (256UL << 10)
#define THREAD_FLAGS (0x50f00 | CLONE_SETTLS) /* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
#define TELL_EACH (8UL << 20)                 /* bytes between two words about progress */
#define WAIT_FOR_CLONE 0x40000000             /* __WALL */

enum { FAMILY_UNIX = 1, TYPE_SEQPACKET = 5, SOCKET_LEVEL = 1, SOCKET_RIGHTS = 1, OPTION_PEER = 17 };

/* The helper's thread block and what it was asked, at the top of its stack. */
struct helper {
    struct machine_block block;
    uintptr_t stack;
    uint32_t token;
};

struct job {
    struct checkpoint_order order;
    struct stream stream;
    int socket;
    uint64_t program_size;
    uint8_t digest[SHA256_BYTES];
};

static atomic_bool busy;

/*
 * Talking.
 */

static void answer(const struct job *job, enum checkpoint_answer_kind kind, long error, const char *text) {
    struct checkpoint_answer a = {.kind = kind, .error = (int32_t)-error, .done = job->stream.offset};
    struct text t = text_begin(a.text, sizeof a.text);
    text_string(&t, text);
    KERNEL(NR_sendto, job->socket, &a, sizeof a, 0x4000 /* MSG_NOSIGNAL */);
}

static void tell_progress(struct stream *s) {
    if (s->offset - s->told < TELL_EACH)
        return;
    s->told = s->offset;
    answer(s->asked, CHECKPOINT_PROGRESS, 0, "");
}

static void tell_obstacle(const char *line, void *job) {
    answer(job, CHECKPOINT_CANNOT, 0, line);
}

/* The other side is one of ours, or root's. */
static bool is_allowed(int socket) {
    struct {
        int32_t pid;
        uint32_t user, group;
    } peer = {-1, ~0U, ~0U};
    int size = sizeof peer;
    if (KERNEL(NR_getsockopt, socket, SOCKET_LEVEL, OPTION_PEER, &peer, &size))
        return false;
    return peer.user == 0 || peer.user == (uint32_t)KERNEL(NR_geteuid);
}

/* Connected to whoever gave the order, or a negative errno. */
static int call_back(uint32_t token) {
    struct {
        uint16_t family;
        char path[108];
    } address = {.family = FAMILY_UNIX};
    struct text t = text_begin(address.path + 1, sizeof address.path - 1);
    text_string(&t, CHECKPOINT_ADDRESS);
    for (int shift = 28; shift >= 0; shift -= 4)
        text_bytes(&t, &"0123456789abcdef"[token >> shift & 15], 1);
    int socket = descriptors_keep((int)KERNEL(NR_socket, FAMILY_UNIX, TYPE_SEQPACKET | OPEN_CLOEXEC, 0));
    if (socket < 0)
        return socket;
    long r = KERNEL(NR_connect, socket, &address, sizeof address);
    if (r == 0 && is_allowed(socket))
        return socket;
    descriptors_drop(socket);
    return r ? (int)r : -E_PERM;
}

/* The order, and the file to write to. */
static int take_order(struct job *job) {
    struct {
        uint64_t length;
        int32_t level, type, fd, padding;
    } rights = {0};
    struct kernel_vector piece = {&job->order, sizeof job->order};
    struct {
        void *name;
        uint32_t name_size, reserved;
        struct kernel_vector *piece;
        uint64_t pieces;
        void *control;
        uint64_t control_size;
        int32_t flags, reserved2;
    } message = {.piece = &piece, .pieces = 1, .control = &rights, .control_size = sizeof rights};
    long n = KERNEL(NR_recvmsg, job->socket, &message, 0x40000000 /* MSG_CMSG_CLOEXEC */);
    bool has_file =
        n >= 0 && message.control_size && rights.level == SOCKET_LEVEL && rights.type == SOCKET_RIGHTS;
    job->stream.fd = has_file ? descriptors_keep(rights.fd) : -1;
    if (n != sizeof job->order || !has_file || job->order.magic != CHECKPOINT_ORDER_MAGIC)
        return -E_PROTO;
    return job->order.version == CHECKPOINT_VERSION ? 0 : -E_PROTO;
}

/*
 * Working.
 */

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
        .flags = job->order.flags, .except = job->stream.fd, .cannot = tell_obstacle, .state = job};
    int r = files_list(list);
    if (r == 0 && has_children() && !(job->order.flags & CHECKPOINT_DROP_CHILDREN)) {
        tell_obstacle("a child process", job);
        list->lost++;
    }
    if (r == 0 && has_segments()) {
        tell_obstacle("System V shared memory", job);
        list->lost++;
    }
    return r;
}

static void fail(const struct job *job, long error, const char *line) {
    answer(job, CHECKPOINT_FAILED, error, line);
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
        if (!(job->order.flags & CHECKPOINT_NO_PROGRAM))
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
        write_process(s, &list, !(job->order.flags & CHECKPOINT_NO_PROGRAM), job->program_size, job->digest);
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

/* The command says whether it has the file, whole: only then may the program end. */
static void wait_for_word(struct job *job) {
    char word = 0;
    descriptors_drop(job->stream.fd); /* where a pipe's reader sees the end */
    job->stream.fd = -1;
    answer(job, CHECKPOINT_WRITTEN, 0, "");
    while (KERNEL(NR_read, job->socket, &word, 1) == -E_INTR)
        ;
    if (word)
        KERNEL(NR_exit_group, CHECKPOINT_EXIT);
}

static void make(struct job *job) {
    char line[LINE_SIZE];
    bool stop = job->order.flags & CHECKPOINT_STOP;
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
        wait_for_word(job);
    if (!released)
        gather_release();
}

static int help(void *argument) {
    const struct helper *helper = argument;
    struct job job = {.socket = call_back(helper->token)};
    if (job.socket >= 0) {
        job.stream = (struct stream){.fd = -1, .progress = tell_progress, .asked = &job};
        int r = take_order(&job);
        if (r)
            fail(&job, r, "the command is of another version");
        else
            make(&job);
        if (job.stream.fd >= 0)
            descriptors_drop(job.stream.fd);
        descriptors_drop(job.socket);
    }
    atomic_store(&busy, false);
    machine_unmap_and_exit((void *)helper->stack, STACK);
}

/* Starts the helper. What it inherits of the caller is the signal mask: nothing reaches it. */
static void start_helper(uint32_t token) {
    char *stack = private_memory(STACK);
    uint64_t all = ~0ULL, before;
    if (!stack) {
        atomic_store(&busy, false);
        return;
    }
    struct helper *helper = (struct helper *)(stack + STACK - sizeof *helper);
    *helper = (struct helper){.block = {.self = &helper->block}, .stack = (uintptr_t)stack, .token = token};
    KERNEL(NR_rt_sigprocmask, MASK_SET, &all, &before, 8);
    long tid = machine_clone(THREAD_FLAGS, (void *)((uintptr_t)helper & -16UL), NULL, &helper->block, NULL,
                             help, helper);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &before, 0, 8);
    if (tid < 0) {
        KERNEL(NR_munmap, stack, STACK);
        atomic_store(&busy, false);
    }
}

bool checkpoint_asked(uint64_t value) {
    if (value >> 32 != CHECKPOINT_VALUE_TAG)
        return false;
    if (!atomic_exchange(&busy, true))
        start_helper((uint32_t)value);
    return true;
}
