/* SPDX-License-Identifier: MIT */
/* popcorn migrate: asks threads of a running program to move, by the signal that control.h describes. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "popcorn.h"
#include "process.h"

struct request {
    const char *who, *where;
    pid_t pid, tid; /* tid 0: all threads */
    int node, asked;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct request *request = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            request->who = argument;
        else if (state->arg_num == 1)
            request->where = argument;
        else
            die("migrate takes PID[/TID] and NODE: \"%s\" is too much", argument);
        return 0;
    case ARGP_KEY_END:
        if (!request->where)
            die("migrate wants PID[/TID] and NODE. Try `popcorn migrate --help`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {NULL,
                                   parse,
                                   "PID[/TID] NODE",
                                   "Asks a running popcorn program, or one thread of it, to move to a node: "
                                   "a number, a machine's name or an "
                                   "ISA, as `popcorn ps` shows them.\vThe threads move at their next "
                                   "migration points; the program does not notice.",
                                   NULL,
                                   NULL,
                                   NULL};

/* Reads a positive number that ends at `end`. */
static int read_id(const char *text, char end, const char **rest) {
    char *stop;
    errno = 0;
    long value = strtol(text, &stop, 10);
    if (stop == text || errno || value <= 0 || value > INT32_MAX || (*stop && *stop != end))
        die("\"%s\" is no process or thread id", text);
    *rest = stop;
    return (int)value;
}

static void read_who(struct request *request) {
    const char *rest;
    request->pid = read_id(request->who, '/', &rest);
    if (*rest == '/')
        request->tid = read_id(rest + 1, 0, &rest);
}

static int read_node(const struct popcorn_control *control, const char *text) {
    char *end;
    long number = strtol(text, &end, 10);
    if (end != text && !*end) {
        if (number < 0 || number >= (long)control->nnodes)
            die("process %d has no node %s, only 0 to %u", control->pid, text, control->nnodes - 1);
        return (int)number;
    }
    for (uint32_t i = 0; i < control->nnodes; i++)
        if (strcmp(control->node[i].name, text) == 0)
            return (int)i;
    for (uint32_t i = 0; i < control->nnodes; i++)
        if (strcmp(control->node[i].isa, text) == 0)
            return (int)i;
    die("process %d has no node \"%s\"", control->pid, text);
}

static void ask(const struct popcorn_thread *thread, void *data) {
    struct request *request = data;
    if (request->tid && thread->kernel_tid != request->tid)
        return;
    siginfo_t info = {0};
    info.si_signo = POPCORN_MIGRATE_SIGNAL;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)POPCORN_MIGRATE_VALUE(request->node);
    if (syscall(SYS_rt_tgsigqueueinfo, request->pid, thread->kernel_tid, POPCORN_MIGRATE_SIGNAL, &info) == 0)
        request->asked++;
    else if (errno != ESRCH)
        die("cannot ask thread %d of process %d: %s", thread->kernel_tid, request->pid, strerror(errno));
}

int command_migrate(int argc, char **argv) {
    struct request request = {0};
    struct popcorn_control control;
    argp_parse(&parser, argc, argv, 0, NULL, &request);
    read_who(&request);
    if (kill(request.pid, 0) < 0 && errno == ESRCH)
        die("there is no process %d", request.pid);
    if (!process_read(request.pid, &control))
        process_refuse(request.pid);
    request.node = read_node(&control, request.where);
    process_each_thread(&control, ask, &request);
    if (!request.asked)
        die("process %d has no thread %d", request.pid, request.tid);
    return 0;
}
