/* SPDX-License-Identifier: MIT */
/* The origin's process begins: sets up what every thread needs, then runs the program's main thread. */
#include "start/start.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/message.h"
#include "checkpoint/checkpoint.h"
#include "memory/memory.h"
#include "node/nodes.h"
#include "popcorn/control.h"
#include "popcorn/migration.h"
#include "popcorn/stack.h"
#include "signal/signals.h"
#include "syscall/syscall.h"
#include "thread/native.h"
#include "thread/threads.h"

#define EXIT_USAGE 2 /* something in the environment is wrong */
#define EXIT_MACHINE 70

extern const uint64_t __popcorn_layout_hash __attribute__((weak));

/* musl's first function; part of the module. */
_Noreturn void _start_c(long *arguments);

static struct start_block read_block(long *initial_stack) {
    struct start_block b = {.argc = (int)initial_stack[0], .argv = (char **)(initial_stack + 1)};
    b.environment = b.argv + b.argc + 1;
    char **end = b.environment;
    while (*end)
        end++;
    b.auxv = (const unsigned long *)(end + 1);
    return b;
}

static void make_control(void) {
    struct popcorn_control *control = popcorn_control();
    control->version = POPCORN_CONTROL_VERSION;
    control->size = sizeof *control;
    control->pid = control->seen_pid = (int32_t)KERNEL(NR_getpid);
    control->trap = MACHINE_TRAP_SIGNAL;
    control->layout_hash = &__popcorn_layout_hash ? __popcorn_layout_hash : 0;
    KERNEL(NR_readlinkat, AT_CWD, "/proc/self/exe", control->program, sizeof control->program - 1);
    __builtin_memcpy(control->magic, POPCORN_CONTROL_MAGIC, sizeof control->magic);
}

static void require(int error, const char *message) {
    if (error)
        popcorn_fatal(message, EXIT_MACHINE);
}

static void start_nodes(const struct start_block *block) {
    char error[POPCORN_ERROR_SIZE];
    if (nodes_start(block->environment, error))
        popcorn_fatal(error, EXIT_USAGE);
}

static void asked(struct popcorn_thread *thread, uint64_t value) {
    if (!checkpoint_asked(value))
        migration_asked(thread, value);
}

/* What the floors above threads keep of them, and what they are asked from outside. */
static void enter_keepers(void) {
    static struct threads_keeper migration = {.begin = migration_thread_begin,
                                              .end = migration_thread_end,
                                              .forked = migration_forked,
                                              .program_ends = stats_write};
    static struct threads_keeper stack = {.end = stack_thread_end};
    threads_kept_by(&migration);
    threads_kept_by(&stack);
    signals_asked = asked;
}

/* A process that begins with a checkpoint. */
static _Noreturn void go_on(const struct start_block *block) {
    require(stack_init(), "the program's call-site table is damaged");
    enter_keepers();
    checkpoint_go_on(block->environment);
}

static void start_migration(const struct start_block *block) {
    char error[POPCORN_ERROR_SIZE];
    require(stack_init(), "the program's call-site table is damaged");
    popcorn_control()->migration = migration_start(block->environment, nodes_list(), error);
    if (!popcorn_control()->migration)
        popcorn_fatal(error, EXIT_USAGE);
    enter_keepers();
    checkpoint_start(block->environment);
    migration_thread_begin(popcorn_current());
    if (migration_wants_nodes())
        memory_share(); /* if it fails now, the first hop says so */
}

void popcorn_start(long *initial_stack) {
    struct start_block block = read_block(initial_stack);
    machine_level_start();
    clock_start(block.auxv);
    native_start();
    nodes_system_call = syscall_at_origin;
    nodes_enter(block.argc, block.argv);
    descriptors_start();
    require(memory_start(), "the kernel has no room for the program's memory");
    if (checkpoint_enter(block.environment))
        go_on(&block);
    make_control();
    start_nodes(&block);
    require(threads_start(), "no memory for the main thread's stacks");
    signals_start();
    start_migration(&block);
    struct popcorn_thread *thread = popcorn_current();
    void *arguments = start_portable_copy(&block);
    require(!arguments, "no memory for the program's arguments");
    thread->pinned = 0;
    nodes_begin_elsewhere(arguments);
    struct native *native = native_self();
    machine_run((void *)native->stack_high, (long (*)(void *))(uintptr_t)_start_c, arguments);
}
