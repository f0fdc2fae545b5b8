/* SPDX-License-Identifier: MIT */
/*
 * popcorn restart: lets a checkpoint go on. The command reads and checks all of it, unpacks it to memory, and
 * becomes the program: so the exit code is the program's, and signals reach it.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_file.h"
#include "popcorn.h"
#include "popcorn/abi.h"
#include "popcorn/sha256.h"
#include "program.h"
#include "restart.h"
#include "tree_restart.h"

enum { OPTION_MAP = 256, OPTION_FORCE, OPTION_ISA };

static const struct argp_option options[] = {
    {"map", OPTION_MAP, "OLD=NEW", 0,
     "What lay below OLD lies below NEW here: files, and the working directory", 0},
    {"force", OPTION_FORCE, NULL, 0,
     "Take files that have changed since; those that the program writes are cut to the length they had", 0},
    {"isa", OPTION_ISA, "ISA", 0, "Go on as this ISA, under qemu-user if it is not this machine's", 0},
    {0},
};

void restart_add_map(const char *map[RESTART_MOST_MAPS], int *maps, const char *added) {
    if (!strchr(added, '='))
        die("--map wants OLD=NEW, not \"%s\"", added);
    if (*maps == RESTART_MOST_MAPS)
        die("more than %d --map", RESTART_MOST_MAPS);
    map[(*maps)++] = added;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct restart *request = state->input;
    switch (key) {
    case OPTION_MAP:
        restart_add_map(request->map, &request->maps, argument);
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
static void map_path(const struct restart *request, char *path) {
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

/* The kind of the file. */
static uint32_t put_file(const struct restart *request, struct checkpoint_output *out,
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
    return f.file.kind;
}

/* What an inotify watches: each path may be another here. */
static void put_watches(const struct restart *request, struct checkpoint_output *out,
                        const struct checkpoint_chunk *chunk, const char *contents) {
    struct {
        struct checkpoint_notify notify;
        char path[CHECKPOINT_PATH];
    } w;
    for (size_t at = 0, left, size; (left = chunk->size - at); at += size) {
        struct checkpoint_chunk one = {.kind = CHECKPOINT_CONTENT};
        memcpy(&w, contents + at, left < sizeof w ? left : sizeof w);
        if (left < sizeof w.notify || w.notify.path > left - sizeof w.notify || !w.notify.path ||
            w.notify.path > sizeof w.path || w.path[w.notify.path - 1])
            die("%s: the checkpoint is damaged: what it watches", request->path);
        size = sizeof w.notify + w.notify.path;
        map_path(request, w.path);
        w.notify.path = (uint32_t)strlen(w.path) + 1;
        one.size = one.stored = sizeof w.notify + w.notify.path;
        checkpoint_write(out, &one, &w);
    }
}

static void put_process(const struct restart *request, struct restart_checkpoint *c,
                        struct checkpoint_output *out, const struct checkpoint_chunk *chunk,
                        const void *contents) {
    if (chunk->size != sizeof c->process)
        die("%s: the checkpoint is damaged: its process", request->path);
    memcpy(&c->process, contents, sizeof c->process);
    c->process.program[sizeof c->process.program - 1] = 0;
    c->process.directory[sizeof c->process.directory - 1] = 0;
    map_path(request, c->process.directory);
    map_path(request, c->process.program);
    checkpoint_write(out, chunk, &c->process);
}

/* Can what is in it be read later, too? */
static bool is_regular(int fd) {
    struct stat stat;
    return fd != STDIN_FILENO && fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
}

/*
 * A stream whose memory comes in any order: kept in a file, by address, where it is written over; in the end
 * come the pages that there are.
 */
static void put_memory(struct restart_checkpoint *c, const struct checkpoint_chunk *chunk,
                       const void *contents) {
    if (chunk->where >= POPCORN_ARENA_LIMIT || chunk->size > POPCORN_ARENA_LIMIT - chunk->where)
        die("the checkpoint is damaged: memory where none may be");
    if (c->file < 0)
        c->file = memory_file("popcorn-memory");
    for (size_t done = 0; done < chunk->size;) {
        ssize_t n =
            pwrite(c->file, (const char *)contents + done, chunk->size - done, (off_t)(chunk->where + done));
        if (n < 0)
            die("cannot fill a memory file: %s", strerror(errno));
        done += (size_t)n;
    }
}

static void put_pages(struct restart_checkpoint *c, struct checkpoint_output *out,
                      const struct checkpoint_chunk *pages, const void *contents) {
    for (uint64_t i = 0; i < pages->size / sizeof(struct checkpoint_run); i++) {
        struct checkpoint_run run;
        memcpy(&run, (const char *)contents + i * sizeof run, sizeof run);
        if (run.size > POPCORN_ARENA_LIMIT - c->pages)
            die("the checkpoint is damaged: more memory than there is");
        c->pages += run.size;
        for (uint64_t at = run.start, end = run.start + run.size; at < end; at += CHECKPOINT_MOST) {
            struct checkpoint_chunk chunk = {
                .kind = CHECKPOINT_MEMORY, .packing = CHECKPOINT_ELSEWHERE, .where = at, .stored = sizeof at};
            chunk.size = end - at < CHECKPOINT_MOST ? end - at : CHECKPOINT_MOST;
            checkpoint_write(out, &chunk, &at);
        }
    }
}

static void put_child(const struct restart *request, struct restart_checkpoint *c,
                      const struct checkpoint_chunk *chunk, const void *contents) {
    if (chunk->size != sizeof *c->child || c->children == CHECKPOINT_MEMBERS)
        die("%s: the checkpoint is damaged: a child", request->path);
    memcpy(&c->child[c->children++], contents, sizeof *c->child);
}

void restart_read_process(const struct restart *request, struct checkpoint_input *in, bool live,
                          struct restart_checkpoint *c) {
    struct checkpoint_chunk chunk;
    const void *contents;
    uint32_t file = 0; /* the kind of the last one */
    *c = (struct restart_checkpoint){.rest = memory_file("popcorn-checkpoint"),
                                     .program = memory_file("popcorn-program")};
    struct checkpoint_output out = {.fd = c->rest};
    c->file = in->leaves_memory ? in->fd : -1;
    checkpoint_write_head(&out, &in->head);
    while (checkpoint_next(in, &chunk, &contents)) {
        if (chunk.kind == CHECKPOINT_PROGRAM)
            write_all(c->program, contents, chunk.size);
        else if (chunk.kind == CHECKPOINT_PROCESS)
            put_process(request, c, &out, &chunk, contents);
        else if (chunk.kind == CHECKPOINT_FILE)
            file = put_file(request, &out, &chunk, contents);
        else if (chunk.kind == CHECKPOINT_CONTENT && file == CHECKPOINT_NOTIFY)
            put_watches(request, &out, &chunk, contents);
        else if (chunk.kind == CHECKPOINT_CHILD)
            put_child(request, c, &chunk, contents);
        else if (live && chunk.kind == CHECKPOINT_MEMORY)
            put_memory(c, &chunk, contents);
        else if (live && chunk.kind == CHECKPOINT_PAGES)
            put_pages(c, &out, &chunk, contents);
        else
            checkpoint_write(&out, &chunk, contents);
    }
    chunk.where = out.number;
    checkpoint_write(&out, &chunk, NULL);
    lseek(c->rest, 0, SEEK_SET);
    if (!c->process.nthreads)
        die("%s: the checkpoint is damaged: no process is in it", request->path);
}

void restart_read(const struct restart *request, int fd, struct restart_tree *tree) {
    struct checkpoint_input in = {.leaves_memory = is_regular(fd)};
    checkpoint_open(&in, fd, request->path);
    tree_read(request, &in, false, tree);
    checkpoint_close(&in);
    if (fd != STDIN_FILENO && tree->process[0].file < 0)
        close(fd);
}

bool restart_hash_file(int fd, uint8_t digest[SHA256_BYTES]) {
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
static void find_program(struct restart_checkpoint *c) {
    uint8_t digest[SHA256_BYTES];
    if (c->process.program_inside)
        return;
    close(c->program);
    c->program = open(c->process.program, O_RDONLY | O_CLOEXEC);
    if (c->program < 0)
        die("the program's file is not in the checkpoint, and %s: %s", c->process.program, strerror(errno));
    if (!restart_hash_file(c->program, digest) || memcmp(digest, c->process.program_hash, sizeof digest))
        die("the program's file is not in the checkpoint, and %s is another program by now",
            c->process.program);
}

/* Puts the ISA's image in front of the program's file. */
static void choose_image(struct restart_checkpoint *c, const char *isa) {
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

void restart_become(const struct restart *request, const struct restart_checkpoint *c) {
    char file[64], value[192], memory[32] = "", wait[32] = "", tree[32] = "", qemu[64];
    bool native = !strcmp(request->isa, machine_isa()), arm = !strcmp(request->isa, "aarch64");
    keep_open(c->rest);
    keep_open(c->program);
    snprintf(file, sizeof file, "/proc/self/fd/%d", c->program);
    if (c->file >= 0) {
        keep_open(c->file);
        snprintf(memory, sizeof memory, ",memory=%d", c->file);
    }
    if (request->wait) {
        keep_open(request->wait);
        snprintf(wait, sizeof wait, ",wait=%d", request->wait);
    }
    if (request->tree) {
        keep_open(request->tree);
        snprintf(tree, sizeof tree, ",tree=%d", request->tree);
    }
    snprintf(value, sizeof value, "%d,%d%s%s%s%s", c->rest, c->program, memory, wait, tree,
             request->force ? ",force" : "");
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

void restart_find_program(const struct restart *request, struct restart_checkpoint *c) {
    find_program(c);
    choose_image(c, request->isa);
}

int command_restart(int argc, char **argv) {
    struct restart request = {.isa = machine_isa()};
    static struct restart_tree tree;
    argp_parse(&parser, argc, argv, 0, NULL, &request);
    int fd = strcmp(request.path, "-") ? open(request.path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (fd < 0)
        die("%s: %s", request.path, strerror(errno));
    restart_read(&request, fd, &tree);
    tree_find_programs(&request, &tree);
    tree_become(&request, &tree);
}
