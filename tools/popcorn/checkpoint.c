/* SPDX-License-Identifier: MIT */
/*
 * popcorn checkpoint: has a running program written to a file. The program writes, as popcorn/checkpoint.h
 * describes; the command packs what comes and sees to it that the file is there whole or not at all.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "checkpoint_file.h"
#include "popcorn.h"
#include "tree_ask.h"

struct request {
    const char *output;
    pid_t pid;
    uint32_t flags;
    int level;
};

enum { OPTION_STOP = 256, OPTION_NO_PROGRAM, OPTION_DROP };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "The checkpoint, which is there whole or not at all; - for standard output",
     0},
    {"stop", OPTION_STOP, NULL, 0, "End the program when it has been written (exit code 75)", 0},
    {"no-program", OPTION_NO_PROGRAM, NULL, 0,
     "Leave the program's file out: where it goes on, the same file must lie at the same path", 0},
    {"drop", OPTION_DROP, "WHAT", 0,
     "Leave behind what cannot come along: sockets, pipes, files, children (a list with commas). The program "
     "sees a closed "
     "connection in its place",
     0},
    {"compress", 'z', "LEVEL", 0, "zstd's level, 1 to 19 (default 1); 0: not at all", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct request *request = state->input;
    switch (key) {
    case 'o':
        request->output = argument;
        return 0;
    case 'z':
        request->level = read_number(argument, 0, 19, "level of compression");
        return 0;
    case OPTION_STOP:
        request->flags |= CHECKPOINT_STOP;
        return 0;
    case OPTION_NO_PROGRAM:
        request->flags |= CHECKPOINT_NO_PROGRAM;
        return 0;
    case OPTION_DROP:
        request->flags |= ask_drop_flags(argument);
        return 0;
    case ARGP_KEY_ARG:
        if (request->pid)
            die("checkpoint takes one PID: \"%s\" is too much", argument);
        request->pid = read_number(argument, 1, INT32_MAX, "process id");
        return 0;
    case ARGP_KEY_END:
        if (!request->pid || !request->output)
            die("checkpoint wants PID and -o FILE. Try `popcorn checkpoint --help`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options,
    parse,
    "PID -o FILE",
    "Writes a running popcorn program to a file, from which `popcorn restart` lets it go on, on "
    "any of its ISAs.\vThe program goes on meanwhile and afterwards, unless --stop is given. "
    "What cannot come along is named before anything is stopped.",
    NULL,
    NULL,
    NULL};

/*
 * The file: written beside its name, and given it when it is whole.
 */
static char *temporary;

static void remove_temporary(void) {
    if (temporary)
        unlink(temporary);
    temporary = NULL;
}

static int open_output(const char *path) {
    if (!strcmp(path, "-"))
        return STDOUT_FILENO;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        die("out of memory");
    int fd = mkostemp(temporary, O_CLOEXEC); /* 0600, and never through a link */
    if (fd < 0) {
        int error = errno;
        temporary = NULL;
        die("%s: %s", path, strerror(error));
    }
    flock(fd, LOCK_EX | LOCK_NB); /* who finds one that nobody has locked may remove it */
    return fd;
}

/* Where it lies; it stays as long as the command. */
static const char *folder_of(const char *path) {
    char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        slash[slash == folder] = 0;
    return slash ? folder : ".";
}

static void sync_folder(const char *path) {
    int fd = open(folder_of(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static void keep_output(int fd, const char *path) {
    if (!temporary)
        return;
    if (fsync(fd) < 0 || rename(temporary, path) < 0) {
        int error = errno;
        remove_temporary();
        die("%s: %s", path, strerror(error));
    }
    temporary = NULL;
    sync_folder(path);
}

/* One process, or, if it has children, all of its tree. */
static void write_program(const struct request *request, int output) {
    char word = request->flags & CHECKPOINT_STOP ? CHECKPOINT_WORD_END : CHECKPOINT_WORD_GO_ON;
    struct tree tree = {0};
    int cannot = request->flags & CHECKPOINT_DROP_CHILDREN ? 0 : tree_find(&tree, request->pid);
    if (cannot)
        ask_cannot(cannot);
    if (tree.count > 1) {
        tree_write(&tree, request->flags, temporary ? folder_of(request->output) : NULL, output,
                   request->level);
        keep_output(output, request->output);
        tree_end(word);
        return;
    }
    struct asked asked = ask_begin(request->pid);
    ask_require(&asked);
    ask_write(&asked, request->flags, output, request->level);
    if (!ask_finish(&asked))
        exit(1); /* it has been said why */
    keep_output(output, request->output);
    if (send(asked.program, &word, 1, MSG_NOSIGNAL) < 0 && word)
        die("the program has gone before it could be ended");
}

int command_checkpoint(int argc, char **argv) {
    struct request request = {.level = 1};
    signal(SIGPIPE, SIG_IGN); /* both are said, and nothing is left behind */
    signal(SIGXFSZ, SIG_IGN);
    argp_parse(&parser, argc, argv, 0, NULL, &request);
    ask_check_program(request.pid);
    atexit(remove_temporary);
    int output = open_output(request.output);
    write_program(&request, output);
    return 0;
}
