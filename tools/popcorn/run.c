/* SPDX-License-Identifier: MIT */
/* popcorn run: sets the environment of a program and becomes it. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "popcorn.h"
#include "program.h"

struct run {
    const char *nodes, *backend, *migrate, *stats, *resume;
    char **command; /* PROG ARGS, null-terminated */
};

static const struct argp_option options[] = {
    {"nodes", 'n', "LIST", 0,
     "The nodes, in order: x86_64,aarch64,riscv64 …, or machines' names (POPCORN_NODES)", 0},
    {"backend", 'b', "NAME", 0,
     "local: nodes are processes on this machine; kernel: they are machines (POPCORN_BACKEND)", 0},
    {"migrate", 'm', "RULES", 0,
     "When and where to migrate (POPCORN_MIGRATE): WHEN[@WHERE], separated by commas. WHEN is N, every:N, "
     "random:MEAN[:SEED], after:TIME or func:NAME; WHERE a node number, an ISA, next or self",
     0},
    {"stats", 's', "FILE", OPTION_ARG_OPTIONAL,
     "Write statistics as JSON to FILE at exit; without FILE to standard error (POPCORN_STATS)", 0},
    {"resume", 'r', "DIRECTORY", 0,
     "Go on from the newest whole checkpoint in DIRECTORY, where POPCORN_CHECKPOINT put it, if there is one",
     0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct run *run = state->input;
    switch (key) {
    case 'n':
        run->nodes = argument;
        return 0;
    case 'b':
        run->backend = argument;
        return 0;
    case 'm':
        run->migrate = argument;
        return 0;
    case 'r':
        run->resume = argument;
        return 0;
    case 's':
        run->stats = argument ? argument : "-";
        return 0;
    case ARGP_KEY_ARG:
        run->command = state->argv + state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        die("run: which program? Try `popcorn run --help`");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options,
    parse,
    "[--] PROG [ARGS...]",
    "Runs a popcorn program.\vThe program's exit code becomes that of the command.",
    NULL,
    NULL,
    NULL};

static void set(const char *name, const char *value) {
    if (value && setenv(name, value, 1) < 0)
        die("out of memory");
}

/* The program itself would find out when it ends. */
static void check_stats(const char *path) {
    if (!path || !strcmp(path, "-"))
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        die("the statistics cannot be written to %s: %s", path, strerror(errno));
    close(fd);
}

/* The file begins with another machine's image: executes a copy in memory that begins with this machine's. */
static void execute_copy(struct program *p, unsigned index, char **command) {
    struct buffer copy = program_with_front(p, index);
    int fd = memfd_create("popcorn-program", MFD_CLOEXEC);
    if (fd < 0)
        die("cannot make a memory file: %s", strerror(errno));
    for (size_t done = 0; done < copy.size;) {
        ssize_t n = write(fd, copy.bytes + done, copy.size - done);
        if (n < 0)
            die("cannot fill a memory file: %s", strerror(errno));
        done += (size_t)n;
    }
    buffer_free(&copy);
    fexecve(fd, command, environ);
}

int command_run(int argc, char **argv) {
    struct run run = {0};
    struct program program;
    argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &run);
    program_open(&program, program_find(run.command[0]));
    int index = popcorn_container_find(&program.container, machine_isa());
    if (index < 0)
        die("%s has no image for this machine's ISA, %s", program.path, machine_isa());
    check_stats(run.stats);
    set("POPCORN_NODES", run.nodes);
    set("POPCORN_BACKEND", run.backend);
    set("POPCORN_MIGRATE", run.migrate);
    set("POPCORN_STATS", run.stats);
    if (run.resume)
        resume_newest(run.resume, program.path);
    if (index == 0)
        execv(program.path, run.command);
    else
        execute_copy(&program, (unsigned)index, run.command);
    die("cannot run %s: %s", program.path, strerror(errno));
}
