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
#include "checkpoint/job.h"
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
static int leave = -1;        /* a socket on which leave to go on comes; -1: none is needed */
static int memory_input = -1; /* the file of CHECKPOINT_ELSEWHERE */
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
    shared_fails();
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

/*
 * Memory that the command has left in the file is checked when all else is there, by several threads. Large
 * pieces are mapped, and checked where they are (what a move has brought has been); small ones are filled.
 */

#define PIECES_MOST (1UL << 22)
#define FILLERS 4
#define POPULATE_READ 22 /* of madvise(): a file that is too short is told, and raises no signal */

struct piece {
    uint64_t where, size, offset, hash;
    bool mapped;
};

static struct piece *piece;
static uint64_t pieces;
static _Atomic uint64_t next_piece;
static _Atomic uint32_t fillers; /* at work; a futex */

static void check_piece(const struct piece *p) {
    if (p->hash && p->hash != xxh64((const void *)p->where, p->size, 0))
        restart_fail("its memory is damaged", "", 0);
}

static void read_piece(const struct piece *p) {
    char *to = (char *)p->where;
    for (uint64_t at = 0; at < p->size;) {
        long n = KERNEL(NR_pread64, memory_input, to + at, p->size - at, p->offset + at);
        if (n == -E_INTR)
            continue;
        if (n <= 0)
            restart_fail("it is cut short", "", n);
        at += (uint64_t)n;
    }
    check_piece(p);
}

/* Its pages are the program's from now on, so none has to be found once more. */
static void check_mapped(const struct piece *p) {
    if (!p->hash)
        return;
    if (KERNEL(NR_madvise, p->where, p->size, POPULATE_READ) == -E_FAULT)
        restart_fail("it is cut short", "", 0);
    check_piece(p);
}

static void fill_some(uint64_t unused) {
    uint64_t i;
    (void)unused;
    while ((i = atomic_fetch_add(&next_piece, 1)) < pieces) {
        if (piece[i].mapped)
            check_mapped(&piece[i]);
        else
            read_piece(&piece[i]);
    }
    atomic_fetch_sub(&fillers, 1);
    KERNEL(NR_futex, &fillers, FUTEX_WAKE, 1);
}

static void fill_memory(void) {
    for (uint64_t i = 1; i < FILLERS && i < pieces; i++) {
        atomic_fetch_add(&fillers, 1);
        if (!helper_start(fill_some, 0))
            atomic_fetch_sub(&fillers, 1);
    }
    atomic_fetch_add(&fillers, 1);
    fill_some(0);
    for (uint32_t left; (left = atomic_load(&fillers)) > 0;)
        KERNEL(NR_futex, &fillers, FUTEX_WAIT, left, 0);
}

/*
 * Behind the program's back: its memory becomes its own, whatever happens to the file then. One that a move
 * has made is in memory itself, and nobody else's: it shrinks meanwhile.
 */
static void keep_memory(uint64_t unused) {
    (void)unused;
    for (uint64_t i = 0; i < pieces; i++)
        if (piece[i].mapped && memory_keep(piece[i].where, piece[i].size) && !piece[i].hash)
            KERNEL(NR_fallocate, memory_input, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, piece[i].offset,
                   piece[i].size);
    descriptors_drop(memory_input);
    KERNEL(NR_munmap, piece, PIECES_MOST * sizeof *piece);
}

static void keep_later(void) {
    if (piece && helper_start(keep_memory, 0))
        return;
    descriptors_drop(memory_input);
    if (piece)
        KERNEL(NR_munmap, piece, PIECES_MOST * sizeof *piece);
}

/* The run time's own part is needed before the rest can be placed. */
static void take_piece(const struct checkpoint_chunk *chunk, uint64_t offset) {
    struct piece p = {(uint64_t)place_of(chunk, NULL), chunk->size, offset, chunk->contents_hash, false};
    bool own = p.where >= POPCORN_ARENA_BASE && p.where < LAYOUT_FIRST;
    if (!piece)
        piece = private_memory(PIECES_MOST * sizeof *piece);
    if (own || !piece || pieces == PIECES_MOST) {
        read_piece(&p);
        return;
    }
    long end = KERNEL(NR_lseek, memory_input, 0, SEEK_FROM_END);
    if (end < 0 || p.size > (uint64_t)end || p.offset > (uint64_t)end - p.size)
        restart_fail("it is cut short", "", 0);
    p.mapped = memory_restore_mapping(p.where, p.size, memory_input, p.offset);
    piece[pieces++] = p;
}

static void read_chunk(uint64_t number, struct checkpoint_chunk *chunk, void *buffer) {
    read_bytes(chunk, sizeof *chunk);
    uint64_t elsewhere;
    bool here = chunk->packing == CHECKPOINT_PLAIN;
    if (chunk->hash != checkpoint_chunk_hash(chunk, number) || chunk->size > CHECKPOINT_MOST ||
        (!here && (chunk->packing != CHECKPOINT_ELSEWHERE || chunk->kind != CHECKPOINT_MEMORY)) ||
        chunk->stored != (here ? chunk->size : sizeof elsewhere) || chunk->gap >= CHECKPOINT_PAGE)
        restart_fail("it is damaged", "", 0);
    skip(chunk->gap);
    if (!here) {
        read_bytes(&elsewhere, sizeof elsewhere);
        take_piece(chunk, elsewhere);
        return;
    }
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
        case CHECKPOINT_SHARED:
            shared_next(buffer, chunk.size);
            break;
        case CHECKPOINT_THREAD:
            take_thread(&chunk, buffer);
            break;
        case CHECKPOINT_POSIX_TIMER:
            restore_timer(buffer, chunk.size);
            break;
        case CHECKPOINT_END:
            KERNEL(NR_munmap, buffer, CHECKPOINT_MOST);
            fill_memory();
            if (chunk.where != number || !regions_there || !nthreads || nthreads != process.nthreads)
                restart_fail("it is damaged", "", 0);
            return;
        }
    }
}

/*
 * The run time's own descriptors out of the way of the program's, whatever numbers those have. The program's
 * own limit comes back with the others.
 */
static void raise_limit_of_files(void) {
    uint64_t limit[2];
    if (KERNEL(NR_prlimit64, 0, LIMIT_FILES, 0, limit))
        return;
    limit[0] = limit[1];
    KERNEL(NR_prlimit64, 0, LIMIT_FILES, limit, 0);
    descriptors_start();
}

/* A descriptor's number; where it ends, or NULL. */
static const char *read_descriptor(const char *value, int *fd) {
    *fd = 0;
    while (*value >= '0' && *value <= '9' && *fd < 1000000)
        *fd = 10 * *fd + (*value++ - '0');
    return *fd < 3 ? NULL : value;
}

/* One that may be there: ",NAME=DESCRIPTOR". */
static const char *read_optional(const char *value, const char *name, int *fd) {
    *fd = 0;
    if (!value || !text_begins(value, name))
        return value;
    while (*name++)
        value++;
    return read_descriptor(value, fd);
}

/* "CHECKPOINT,PROGRAM[,memory=FILE][,wait=DESCRIPTOR][,tree=FILE][,force]" */
static bool parse(const char *value) {
    int fd[5] = {0, 0, 0, 0, 0};
    value = read_descriptor(value, &fd[0]);
    value = value && *value == ',' ? read_descriptor(value + 1, &fd[1]) : NULL;
    value = read_optional(value, ",memory=", &fd[2]);
    value = read_optional(value, ",wait=", &fd[3]);
    value = read_optional(value, ",tree=", &fd[4]);
    if (!value)
        return false;
    forced = text_equal(value, ",force");
    raise_limit_of_files();
    leave = fd[3] ? descriptors_keep(fd[3]) : -1;
    input = descriptors_keep(fd[0]);
    memory_input = fd[2] ? descriptors_keep(fd[2]) : -1;
    image_program_is(descriptors_keep(fd[1]));
    if (fd[4] && !shared_begin(fd[4]))
        return false;
    if (shared_is_member() && !shared_is_first())
        leave = shared_leave();
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

/*
 * Everything that could fail has been done. Whoever started the process is told so, and says when the program
 * may go on, if ever: it may still go on elsewhere.
 */
static void wait_for_leave(void) {
    char word = 1;
    if (shared_is_first())
        shared_await_others();
    if (leave < 0)
        return;
    KERNEL(NR_write, leave, &word, 1);
    while (KERNEL(NR_read, leave, &word, 1) == -E_INTR)
        ;
    if (word != CHECKPOINT_LEAVE)
        KERNEL(NR_exit_group, 0);
    if (!shared_is_member() || shared_is_first())
        descriptors_drop(leave);
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
    restore_timers_make();
    wait_for_leave();
    shared_go_on();
    restore_limits();
    KERNEL(NR_umask, process.umask);
    for (int i = 0; i < CHECKPOINT_TIMERS; i++)
        KERNEL(NR_setitimer, i, process.timer[i], 0);
    restore_timers_run(process.realtime);
    raise_pending(0, process.pending);
    signals_restored(); /* from here on somebody may ask for the next checkpoint */
    bool plans = !shared_is_member() || shared_is_first();
    checkpoint_start(plans ? environment : NULL);
    keep_later();
    atomic_store(&started, 1);
    KERNEL(NR_futex, &started, FUTEX_WAKE, 0x7fffffff);
    arrive(thread);
}
