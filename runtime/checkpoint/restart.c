/* SPDX-License-Identifier: MIT */
/*
 * A process begins with a checkpoint: it fills its memory, opens its files, makes a native thread for each
 * thread, and lets all of them arrive as if they had hopped here. The command has looked at the whole
 * checkpoint before; what is wrong nevertheless ends the process with one line, before anything of the
 * program runs.
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/critical.h"
#include "base/descriptors.h"
#include "base/message.h"
#include "checkpoint/restore.h"
#include "memory/layout.h"
#include "memory/memory.h"
#include "memory/touched.h"
#include "node/image.h"
#include "node/nodes.h"
#include "popcorn/migration.h"
#include "popcorn/stack.h"
#include "signal/signals.h"
#include "thread/native.h"
#include "thread/threads.h"

#define EXIT_FAILED 70
#define MOST_THREADS 65536
#define LIMIT_FILES 7

extern const uint64_t __popcorn_layout_hash __attribute__((weak));
extern char __popcorn_data_start[] __attribute__((weak));
extern char __popcorn_data_end[] __attribute__((weak));

static int input;
static bool forced, regions_there;
static struct checkpoint_process process;
static struct checkpoint_thread *threads;
static uint32_t nthreads;

void restart_fail(const char *what, const char *more, long error) {
    char line[512];
    struct text t = text_begin(line, sizeof line);
    restore_standard_error();
    text_string(&t, "the checkpoint cannot go on here: ");
    text_string(&t, what);
    text_string(&t, more);
    text_string(&t, error ? ": " : "");
    text_string(&t, error ? text_error((int)-error) : "");
    popcorn_message(line);
    KERNEL(NR_exit_group, EXIT_FAILED);
    __builtin_trap();
}

bool restart_forced(void) {
    return forced;
}

/*
 * Reading.
 */

static void read_bytes(void *to, uint64_t size) {
    for (uint64_t at = 0; at < size;) {
        long n = KERNEL(NR_read, input, (char *)to + at, size - at);
        if (n == -E_INTR)
            continue;
        if (n <= 0)
            restart_fail("it ends too early", "", n);
        at += (uint64_t)n;
    }
}

static void read_head(void) {
    struct checkpoint_head head;
    read_bytes(&head, sizeof head);
    if (!text_equal(head.magic, CHECKPOINT_MAGIC) || head.version != CHECKPOINT_VERSION ||
        head.size != sizeof head || head.hash != xxh64(&head, offsetof(struct checkpoint_head, hash), 0))
        restart_fail("it is damaged, or of another version", "", 0);
    if (&__popcorn_layout_hash && head.layout_hash != __popcorn_layout_hash)
        restart_fail("it is of another program", "", 0);
}

static void skip(uint64_t size) {
    char bytes[256];
    while (size) {
        uint64_t n = size < sizeof bytes ? size : sizeof bytes;
        read_bytes(bytes, n);
        size -= n;
    }
}

/* The contents where they belong: pages to memory, everything else to `buffer`. */
static void *place_of(const struct checkpoint_chunk *chunk, void *buffer) {
    if (chunk->kind != CHECKPOINT_MEMORY)
        return buffer;
    if (chunk->where >= LAYOUT_FIRST || chunk->where < POPCORN_ARENA_BASE) {
        long r = regions_there ? 0 : memory_restore_regions();
        if (r)
            restart_fail("its memory cannot be mapped", "", r);
        regions_there = true;
    }
    if (!memory_restorable(chunk->where, chunk->size))
        restart_fail("memory where none may be", "", 0);
    return (void *)chunk->where;
}

static void read_chunk(uint64_t number, struct checkpoint_chunk *chunk, void *buffer) {
    read_bytes(chunk, sizeof *chunk);
    if (chunk->hash != checkpoint_chunk_hash(chunk, number) || chunk->size > CHECKPOINT_MOST ||
        chunk->packing != CHECKPOINT_PLAIN || chunk->stored != chunk->size || chunk->gap >= CHECKPOINT_PAGE)
        restart_fail("it is damaged", "", 0);
    skip(chunk->gap);
    void *to = place_of(chunk, buffer);
    read_bytes(to, chunk->size);
    skip(checkpoint_padding(chunk));
    if (chunk->contents_hash != xxh64(to, chunk->size, 0))
        restart_fail("it is damaged", "", 0);
}

static void take_process(const struct checkpoint_chunk *chunk, const void *bytes) {
    if (chunk->size != sizeof process)
        restart_fail("it is damaged", "", 0);
    __builtin_memcpy(&process, bytes, sizeof process);
    process.program[sizeof process.program - 1] = process.directory[sizeof process.directory - 1] = 0;
    if (process.data_start != (uint64_t)__popcorn_data_start ||
        process.data_end != (uint64_t)__popcorn_data_end)
        restart_fail("it is of another program", "", 0);
    KERNEL(NR_prlimit64, 0, LIMIT_FILES, process.limit[LIMIT_FILES], 0);
    long r = KERNEL(NR_chdir, process.directory);
    if (r)
        restart_fail("its working directory, ", process.directory, r);
    restore_files_begin();
}

static void take_file(const struct checkpoint_chunk *chunk, const void *bytes) {
    const struct checkpoint_file *file = bytes;
    const char *path = (const char *)(file + 1);
    if (chunk->size < sizeof *file || chunk->size != sizeof *file + file->path ||
        (file->path && path[file->path - 1]))
        restart_fail("it is damaged", "", 0);
    restore_file(chunk->where, file, file->path ? path : "");
}

static void take_thread(const struct checkpoint_chunk *chunk, const void *bytes) {
    if (chunk->size != sizeof *threads || nthreads == MOST_THREADS)
        restart_fail("it is damaged", "", 0);
    __builtin_memcpy(&threads[nthreads++], bytes, sizeof *threads);
}

static void read_all(void) {
    struct checkpoint_chunk chunk;
    void *buffer = private_memory(CHECKPOINT_MOST);
    threads = private_memory(MOST_THREADS * sizeof *threads);
    if (!buffer || !threads)
        restart_fail("no memory", "", 0);
    read_head();
    for (uint64_t number = 0;; number++) {
        read_chunk(number, &chunk, buffer);
        switch (chunk.kind) {
        case CHECKPOINT_PROCESS:
            take_process(&chunk, buffer);
            break;
        case CHECKPOINT_FILE:
            take_file(&chunk, buffer);
            break;
        case CHECKPOINT_CONTENT:
            restore_contents(chunk.where, buffer, chunk.size);
            break;
        case CHECKPOINT_THREAD:
            take_thread(&chunk, buffer);
            break;
        case CHECKPOINT_END:
            KERNEL(NR_munmap, buffer, CHECKPOINT_MOST);
            if (chunk.where != number || !regions_there || !nthreads || nthreads != process.nthreads)
                restart_fail("it is damaged", "", 0);
            return;
        }
    }
}

/* "CHECKPOINT,PROGRAM[,force]" */
static bool parse(const char *value) {
    int fd[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        while (*value >= '0' && *value <= '9' && fd[i] < 1000000)
            fd[i] = 10 * fd[i] + (*value++ - '0');
        if (fd[i] < 3 || (i == 0 && *value++ != ','))
            return false;
    }
    forced = text_equal(value, ",force");
    input = descriptors_keep(fd[0]);
    image_program_is(descriptors_keep(fd[1]));
    return true;
}

bool checkpoint_enter(char **environment) {
    static const char name[] = "POPCORN_RESTART=";
    for (; *environment; environment++)
        if (text_begins(*environment, name)) {
            if (!parse(*environment + sizeof name - 1))
                restart_fail("POPCORN_RESTART is the command's alone", "", 0);
            read_all();
            return true;
        }
    return false;
}

/*
 * Going on.
 */

static void restore_control(void) {
    struct popcorn_control *control = popcorn_control();
    const uint64_t layout = &__popcorn_layout_hash ? __popcorn_layout_hash : 0;
    if (!text_equal(control->magic, POPCORN_CONTROL_MAGIC) || control->version != POPCORN_CONTROL_VERSION ||
        control->layout_hash != layout)
        restart_fail("it is damaged", "", 0);
    control->pid = (int32_t)KERNEL(NR_getpid);
    control->shared = 0;
    control->halt = 0;
    control->trap = MACHINE_TRAP_SIGNAL;
}

/* The program's own clock goes on where it stopped; the time of day is today's. */
static void restore_clocks(void) {
    int64_t stamp[CLOCK_STAMPS];
    clock_stamp(stamp);
    stamp[CLOCK_MONOTONIC] = process.monotonic;
    clock_meet(stamp, true);
}

static void restore_limits(void) {
    for (int i = 0; i < CHECKPOINT_LIMITS; i++) {
        uint64_t now[2];
        if (KERNEL(NR_prlimit64, 0, i, 0, now))
            continue;
        uint64_t wanted[2] = {process.limit[i][0], now[1]};
        wanted[0] = wanted[0] < wanted[1] ? wanted[0] : wanted[1];
        KERNEL(NR_prlimit64, 0, i, wanted, 0);
    }
}

static bool is_listed(uint64_t address) {
    for (uint32_t i = 0; i < nthreads; i++)
        if (threads[i].address == address)
            return true;
    return false;
}

/* The control block's list of threads and the checkpoint's are the same. */
static void check_threads(void) {
    const struct popcorn_control *control = popcorn_control();
    uint32_t listed = 0;
    for (const struct popcorn_thread *t = control->threads; t && listed <= nthreads; t = t->next, listed++)
        if (!layout_in_arena((uint64_t)t, sizeof *t) || !is_listed((uint64_t)t))
            restart_fail("it is damaged", "", 0);
    if (listed != nthreads || control->nthreads != nthreads)
        restart_fail("it is damaged", "", 0);
}

static void restore_threads(void) {
    check_threads();
    for (uint32_t i = 0; i < nthreads; i++) {
        struct popcorn_thread *thread = (struct popcorn_thread *)threads[i].address;
        if (threads_restore(thread, thread->tid == process.pid))
            restart_fail("no memory for its threads", "", 0);
        if (stack_validate(thread))
            restart_fail("a damaged chain of frame records", "", 0);
    }
}

static const struct checkpoint_thread *record_of(const struct popcorn_thread *thread) {
    const struct checkpoint_thread *record = threads;
    while (record->address != (uint64_t)thread)
        record++;
    return record;
}

static void raise_pending(int32_t tid, uint64_t pending) {
    long pid = KERNEL(NR_getpid);
    for (int sig = 1; sig < SIGNAL_COUNT; sig++)
        if (pending & SIGNAL_BIT(sig)) {
            if (tid)
                KERNEL(NR_tgkill, pid, tid, sig);
            else
                KERNEL(NR_kill, pid, sig);
        }
}

static _Atomic uint32_t here;    /* native threads that are there; a futex */
static _Atomic uint32_t started; /* 1 when all are */

/* On its native thread: waits for the others, and is where it was. */
static _Noreturn void arrive(struct popcorn_thread *thread) {
    const struct checkpoint_thread *record = record_of(thread);
    raise_pending(thread->kernel_tid, record->pending);
    uint64_t mask = signals_allowed(record->mask);
    atomic_fetch_add(&here, 1);
    KERNEL(NR_futex, &here, FUTEX_WAKE, 1);
    while (!atomic_load(&started))
        KERNEL(NR_futex, &started, FUTEX_WAIT, 0, 0);
    critical_enter(); /* until the thread has landed: popcorn_release_signals() */
    KERNEL(NR_rt_sigprocmask, MASK_SET, &mask, 0, 8);
    stack_rebuild(thread);
}

static int begin(void *argument) {
    struct native *native = argument;
    struct popcorn_thread *thread = native->thread;
    native_adopt(native);
    thread->kernel_tid = native->tid;
    arrive(thread);
}

static struct popcorn_thread *main_thread(void) {
    for (uint32_t i = 0; i < nthreads; i++)
        if (threads[i].tid == process.pid)
            return (struct popcorn_thread *)threads[i].address;
    return (struct popcorn_thread *)threads[0].address;
}

static void start_others(const struct popcorn_thread *self) {
    for (uint32_t i = 0; i < nthreads; i++) {
        struct popcorn_thread *thread = (struct popcorn_thread *)threads[i].address;
        long r = thread == self ? 0 : threads_restart(thread, begin);
        if (r < 0)
            restart_fail("a thread cannot be made", "", r);
    }
    for (uint32_t n; (n = atomic_load(&here)) < nthreads - 1;)
        KERNEL(NR_futex, &here, FUTEX_WAIT, n, 0);
}

void checkpoint_go_on(char **environment) {
    kernel_block_signals();
    restore_control();
    restore_clocks();
    nodes_restored(environment);
    restore_threads();
    restore_files_end();
    long r = memory_restored();
    if (r)
        restart_fail("its memory cannot be protected", "", r);
    descriptors_drop(input);
    migration_restored(popcorn_control()->migration);
    struct popcorn_thread *thread = main_thread();
    struct native *native = thread->native[native_node];
    machine_set_thread_pointer(thread->tcb);
    native_adopt(native);
    thread->kernel_tid = native->tid;
    threads_adopt(thread);
    start_others(thread);
    restore_limits();
    KERNEL(NR_umask, process.umask);
    for (int i = 0; i < CHECKPOINT_TIMERS; i++)
        KERNEL(NR_setitimer, i, process.timer[i], 0);
    raise_pending(0, process.pending);
    signals_restored(); /* from here on somebody may ask for the next checkpoint */
    checkpoint_start(environment);
    atomic_store(&started, 1);
    KERNEL(NR_futex, &started, FUTEX_WAKE, 0x7fffffff);
    arrive(thread);
}
