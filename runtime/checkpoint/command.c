/* SPDX-License-Identifier: MIT */
#include "checkpoint/command.h"
#include "base/descriptors.h"
#include "checkpoint/internal.h"

#define STACK 65536
#define EXECUTABLE_ALLOWED 1 /* X_OK */
#define WAIT_ALL 0x40000000  /* __WALL */
#define USUAL_PATH "/usr/local/bin:/usr/bin:/bin"

static char *const *environment;
static char path[CHECKPOINT_PATH];

/* What the new process needs, in the memory that it shares until it is the command. */
struct launch {
    const char *argument[7];
    char file[128], pid[16];
    char *stack; /* of the command's process */
    int ends;    /* a pipe that it has open until its end */
    volatile long error;
};

void command_start(char *const *of) {
    environment = of;
}

static bool find(void) {
    const char *at = text_variable(environment, "PATH");
    for (at = at && *at ? at : USUAL_PATH; *at;) {
        struct text t = text_begin(path, sizeof path);
        const char *begin = at;
        for (; *at && *at != ':'; at++)
            text_bytes(&t, at, 1);
        text_string(&t, "/popcorn");
        if (at > begin && !t.cut && KERNEL(NR_faccessat, AT_CWD, path, EXECUTABLE_ALLOWED) == 0)
            return true;
        at += *at == ':';
    }
    return false;
}

/* The program's files are none of the command's: who waits for the end of a pipe need not wait for it. */
static int launch_command(void *argument) {
    struct launch *l = argument;
    uint64_t none = 0;
    if (KERNEL(NR_dup3, l->ends, 3, 0) == -E_INVAL) /* it is that one already */
        KERNEL(NR_fcntl, 3, FCNTL_SETFD, 0);
    KERNEL(NR_close_range, 4, ~0U, 0);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &none, 0, 8);
    l->error = KERNEL(NR_execve, path, l->argument, environment);
    return 127;
}

/* Nobody's child, and so none of the program's. */
static int launch(void *argument) {
    struct launch *l = argument;
    long pid = machine_clone(CLONE_VM | CLONE_VFORK, l->stack + STACK, NULL, NULL, NULL, launch_command, l);
    if (pid < 0)
        l->error = pid;
    return 0;
}

static void say_what(struct launch *l, int folder, const char *name, bool stop) {
    long pid = KERNEL(NR_getpid);
    struct text file = text_begin(l->file, sizeof l->file), id = text_begin(l->pid, sizeof l->pid);
    text_signed(&id, pid);
    text_string(&file, "/proc/");
    text_signed(&file, pid);
    text_string(&file, "/fd/");
    text_signed(&file, folder);
    text_string(&file, "/");
    text_string(&file, name);
    const char *argument[] = {"popcorn", "checkpoint", l->pid, "-o", l->file, stop ? "--stop" : NULL, NULL};
    __builtin_memcpy(l->argument, argument, sizeof argument);
}

static void wait_for_end(int end) {
    char byte;
    while (KERNEL(NR_read, end, &byte, 1) == -E_INTR)
        ;
}

static bool run(struct launch *l, char *stack) {
    int end[2];
    if (KERNEL(NR_pipe2, end, OPEN_CLOEXEC))
        return false;
    end[0] = descriptors_keep(end[0]);
    end[1] = descriptors_keep(end[1]);
    l->ends = end[1];
    l->stack = stack;
    l->error = 0;
    long pid = machine_clone(CLONE_VM | CLONE_VFORK, stack + 2 * STACK, NULL, NULL, NULL, launch, l);
    while (pid > 0 && KERNEL(NR_wait4, pid, 0, WAIT_ALL, 0) == -E_INTR)
        ;
    descriptors_drop(end[1]);
    if (pid > 0 && l->error == 0)
        wait_for_end(end[0]);
    descriptors_drop(end[0]);
    return pid > 0 && l->error == 0;
}

bool command_write(int folder, const char *name, bool stop) {
    static struct launch l;
    char *stack = find() ? private_memory(2 * STACK) : NULL;
    if (!stack)
        return false;
    say_what(&l, folder, name, stop);
    bool done = run(&l, stack);
    KERNEL(NR_munmap, stack, 2 * STACK);
    return done;
}
