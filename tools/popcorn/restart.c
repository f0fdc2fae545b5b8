/* SPDX-License-Identifier: MIT */
/*
 * popcorn restart: lets a checkpoint go on. The command reads and checks all of it, unpacks it to memory, and
 * becomes the program: so the exit code is the program's, and signals reach it.
 */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint_file.h"
#include "popcorn.h"
#include "popcorn/sha256.h"
#include "program.h"

#define MOST_MAPS 64

struct request {
    const char *path, *isa;
    const char *map[MOST_MAPS]; /* OLD=NEW */
    int maps;
    bool force;
};

enum { OPTION_MAP = 256, OPTION_FORCE, OPTION_ISA };

static const struct argp_option options[] = {
    {"map", OPTION_MAP, "OLD=NEW", 0,
     "What lay below OLD lies below NEW here: files, and the working directory", 0},
    {"force", OPTION_FORCE, NULL, 0,
     "Take files that have changed since; those that the program writes are cut to the length they had", 0},
    {"isa", OPTION_ISA, "ISA", 0, "Go on as this ISA, under qemu-user if it is not this machine's", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct request *request = state->input;
    switch (key) {
    case OPTION_MAP:
        if (!strchr(argument, '='))
            die("--map wants OLD=NEW, not \"%s\"", argument);
        if (request->maps == MOST_MAPS)
            die("more than %d --map", MOST_MAPS);
        request->map[request->maps++] = argument;
        return 0;
    case OPTION_FORCE:
        request->force = true;
        return 0;
    case OPTION_ISA:
        request->isa = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (request->path)
            die("restart takes one FILE: \"%s\" is too much", argument);
        request->path = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        die("restart: which checkpoint? Try `popcorn restart --help`");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options,
    parse,
    "FILE",
    "Lets a checkpoint go on, on this machine and its ISA; - is standard input.\v"
    "Standard input, output and error are the command's, unless they were files. The "
    "program's exit code becomes that of the command.",
    NULL,
    NULL,
    NULL};

static int memory_file(const char *name) {
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        die("cannot make a memory file: %s", strerror(errno));
    return fd;
}

static void write_all(int fd, const void *from, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)from + done, size - done);
        if (n < 0)
            die("cannot fill a memory file: %s", strerror(errno));
        done += (size_t)n;
    }
}

/* Gives `path`, in a buffer of CHECKPOINT_PATH bytes, its place on this machine. */
static void map_path(const struct request *request, char *path) {
    for (int i = 0; i < request->maps; i++) {
        const char *old = request->map[i], *new = strchr(old, '=') + 1;
        size_t length = (size_t)(new - old) - 1;
        char mapped[2 * CHECKPOINT_PATH];
        if (strncmp(path, old, length) || (path[length] && path[length] != '/'))
            continue;
        if (snprintf(mapped, sizeof mapped, "%s%s", new, path + length) >= CHECKPOINT_PATH)
            die("--map makes \"%s\" too long", path);
        strcpy(path, mapped);
        return;
    }
}

/* What has been read: the rest of it as the program takes it, and the program's file. */
struct checkpoint {
    struct checkpoint_process process;
    int rest, program;
};

static void put_file(const struct request *request, struct checkpoint_output *out,
                     struct checkpoint_chunk *chunk, const void *contents) {
    struct {
        struct checkpoint_file file;
        char path[CHECKPOINT_PATH];
    } f = {0};
    if (chunk->size < sizeof f.file || chunk->size > sizeof f)
        die("%s: the checkpoint is damaged: a file", request->path);
    memcpy(&f, contents, chunk->size);
    f.path[sizeof f.path - 1] = 0;
    if (f.file.path) {
        map_path(request, f.path);
        f.file.path = (uint32_t)strlen(f.path) + 1;
    }
    chunk->size = sizeof f.file + f.file.path;
    checkpoint_write(out, chunk, &f);
}

static void put_process(const struct request *request, struct checkpoint *c, struct checkpoint_output *out,
                        const struct checkpoint_chunk *chunk, const void *contents) {
    if (chunk->size != sizeof c->process)
        die("%s: the checkpoint is damaged: its process", request->path);
    memcpy(&c->process, contents, sizeof c->process);
    c->process.program[sizeof c->process.program - 1] = 0;
    c->process.directory[sizeof c->process.directory - 1] = 0;
    map_path(request, c->process.directory);
    map_path(request, c->process.program);
    checkpoint_write(out, chunk, &c->process);
}

static void read_checkpoint(const struct request *request, struct checkpoint *c) {
    struct checkpoint_input in;
    struct checkpoint_chunk chunk;
    const void *contents;
    int fd = strcmp(request->path, "-") ? open(request->path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (fd < 0)
        die("%s: %s", request->path, strerror(errno));
    *c = (struct checkpoint){.rest = memory_file("popcorn-checkpoint"),
                             .program = memory_file("popcorn-program")};
    struct checkpoint_output out = {.fd = c->rest};
    checkpoint_open(&in, fd, request->path);
    checkpoint_write_head(&out, &in.head);
    while (checkpoint_next(&in, &chunk, &contents)) {
        if (chunk.kind == CHECKPOINT_PROGRAM)
            write_all(c->program, contents, chunk.size);
        else if (chunk.kind == CHECKPOINT_PROCESS)
            put_process(request, c, &out, &chunk, contents);
        else if (chunk.kind == CHECKPOINT_FILE)
            put_file(request, &out, &chunk, contents);
        else
            checkpoint_write(&out, &chunk, contents);
    }
    chunk.where = out.number;
    checkpoint_write(&out, &chunk, NULL);
    checkpoint_close(&in);
    if (fd != STDIN_FILENO)
        close(fd);
    lseek(c->rest, 0, SEEK_SET);
    if (!c->process.nthreads)
        die("%s: the checkpoint is damaged: no process is in it", request->path);
}

/* The SHA-256 of a file. False if it cannot be read. */
static bool hash_file(int fd, uint8_t digest[SHA256_BYTES]) {
    struct sha256 hash;
    uint8_t buffer[65536];
    ssize_t n;
    sha256_begin(&hash);
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        sha256_add(&hash, buffer, (size_t)n);
    sha256_end(&hash, digest);
    return n == 0;
}

/* The program's file, if it is not inside: at its path, if it is the same. */
static void find_program(struct checkpoint *c) {
    uint8_t digest[SHA256_BYTES];
    if (c->process.program_inside)
        return;
    close(c->program);
    c->program = open(c->process.program, O_RDONLY | O_CLOEXEC);
    if (c->program < 0)
        die("the program's file is not in the checkpoint, and %s: %s", c->process.program, strerror(errno));
    if (!hash_file(c->program, digest) || memcmp(digest, c->process.program_hash, sizeof digest))
        die("the program's file is not in the checkpoint, and %s is another program by now",
            c->process.program);
}

/* Puts the ISA's image in front of the program's file. */
static void choose_image(struct checkpoint *c, const char *isa) {
    struct program program;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", c->program);
    program_open(&program, path);
    int index = popcorn_container_find(&program.container, isa);
    if (index < 0)
        die("%s has no image for %s", c->process.program, isa);
    if (index == 0)
        return;
    struct buffer copy = program_with_front(&program, (unsigned)index);
    int fd = memory_file("popcorn-program");
    write_all(fd, copy.bytes, copy.size);
    buffer_free(&copy);
    close(c->program);
    c->program = fd;
}

static void keep_open(int fd) {
    if (fcntl(fd, F_SETFD, 0) < 0)
        die("%s", strerror(errno));
}

static _Noreturn void become(const struct request *request, const struct checkpoint *c) {
    char file[64], value[64], qemu[64];
    bool native = !strcmp(request->isa, machine_isa()), arm = !strcmp(request->isa, "aarch64");
    keep_open(c->rest);
    keep_open(c->program);
    snprintf(file, sizeof file, "/proc/self/fd/%d", c->program);
    snprintf(value, sizeof value, "%d,%d%s", c->rest, c->program, request->force ? ",force" : "");
    snprintf(qemu, sizeof qemu, "qemu-%s", request->isa);
    if (setenv("POPCORN_RESTART", value, 1) < 0)
        die("out of memory");
    char *name = (char *)c->process.program;
    if (native)
        execl(file, name, (char *)NULL);
    else if (arm) /* its default CPU does not take a signal frame's SIMD registers back */
        execlp(qemu, qemu, "-cpu", "cortex-a57", "-0", name, file, (char *)NULL);
    else
        execlp(qemu, qemu, "-0", name, file, (char *)NULL);
    die("cannot run %s: %s", native ? c->process.program : qemu, strerror(errno));
}

/*
 * popcorn run --resume.
 */

#define NAME "checkpoint-"

/* Is it whole? By a process of its own, which ends with the first thing that is wrong. */
static bool is_whole(const char *path) {
    int status;
    pid_t pid = fork();
    if (pid < 0)
        die("cannot fork: %s", strerror(errno));
    if (pid == 0) {
        struct checkpoint_input in;
        struct checkpoint_chunk chunk;
        const void *contents;
        int fd = open(path, O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        if (fd < 0)
            _exit(1);
        checkpoint_open(&in, fd, path);
        while (checkpoint_next(&in, &chunk, &contents))
            ;
        _exit(0);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The highest number below `below` among the checkpoints of a directory; 0 if there is none. */
static unsigned long highest_below(const char *directory, unsigned long below) {
    unsigned long highest = 0;
    DIR *folder = opendir(directory);
    if (!folder && errno != ENOENT)
        die("%s: %s", directory, strerror(errno));
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        const char *digits = entry->d_name + strlen(NAME);
        if (strncmp(entry->d_name, NAME, strlen(NAME)) || strlen(digits) != 10 ||
            strspn(digits, "0123456789") != 10)
            continue;
        unsigned long number = strtoul(digits, NULL, 10);
        if (number < below && number > highest)
            highest = number;
    }
    if (folder)
        closedir(folder);
    return highest;
}

static void check_same_program(const struct checkpoint *c, const char *checkpoint, const char *path) {
    uint8_t digest[SHA256_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    if (!hash_file(fd, digest) || memcmp(digest, c->process.program_hash, sizeof digest))
        die("%s is of another program than %s, or of an older build: remove it to begin anew", checkpoint,
            path);
    close(fd);
}

void restart_newest(const char *directory, const char *path) {
    struct request request = {.isa = machine_isa(), .force = true};
    struct checkpoint checkpoint;
    char name[4096];
    unsigned long number = ULONG_MAX;
    while ((number = highest_below(directory, number))) {
        snprintf(name, sizeof name, "%s/" NAME "%010lu", directory, number);
        if (is_whole(name))
            break;
        fprintf(stderr, "popcorn: %s is not whole; trying the one before\n", name);
    }
    if (!number)
        return;
    request.path = name;
    read_checkpoint(&request, &checkpoint);
    check_same_program(&checkpoint, name, path);
    find_program(&checkpoint);
    choose_image(&checkpoint, request.isa);
    become(&request, &checkpoint);
}

int command_restart(int argc, char **argv) {
    struct request request = {.isa = machine_isa()};
    struct checkpoint checkpoint;
    argp_parse(&parser, argc, argv, 0, NULL, &request);
    read_checkpoint(&request, &checkpoint);
    find_program(&checkpoint);
    choose_image(&checkpoint, request.isa);
    become(&request, &checkpoint);
}
