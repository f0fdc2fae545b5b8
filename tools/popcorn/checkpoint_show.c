/* SPDX-License-Identifier: MIT */
/* popcorn info on a checkpoint. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "checkpoint_file.h"
#include "checkpoint_stacks.h"
#include "popcorn.h"
#include "popcorn/abi.h"

struct summary {
    struct checkpoint_process process;
    uint64_t data, arena, program, contents, files, timers;
};

static const char *kind_name(uint32_t kind) {
    static const char *const names[] = {[CHECKPOINT_STANDARD] = "standard", [CHECKPOINT_REGULAR] = "file",
                                        [CHECKPOINT_DELETED] = "deleted",   [CHECKPOINT_DEVICE] = "device",
                                        [CHECKPOINT_PIPE] = "pipe",         [CHECKPOINT_EVENT] = "eventfd",
                                        [CHECKPOINT_LISTENER] = "socket",   [CHECKPOINT_EPOLL] = "epoll",
                                        [CHECKPOINT_TIMER] = "timerfd",     [CHECKPOINT_SIGNALS] = "signalfd",
                                        [CHECKPOINT_PAIR] = "socketpair",   [CHECKPOINT_MAPPED] = "mapping",
                                        [CHECKPOINT_GONE] = "left behind",  [CHECKPOINT_NOTIFY] = "inotify"};
    return kind < sizeof names / sizeof *names && names[kind] ? names[kind] : "?";
}

static void show_file(const struct checkpoint_chunk *chunk, const void *contents) {
    struct checkpoint_file file;
    if (chunk->size < sizeof file)
        return;
    memcpy(&file, contents, sizeof file);
    int length = (int)(chunk->size - sizeof file);
    if (file.kind == CHECKPOINT_MAPPED)
        printf("  0x%" PRIx64, chunk->where);
    else
        printf("  %-4" PRIu64, chunk->where);
    printf(" %-11s %.*s", kind_name(file.kind), length, (const char *)contents + sizeof file);
    if (file.kind == CHECKPOINT_REGULAR)
        printf(" at %" PRIu64 " of %" PRIu64, file.offset, file.size);
    putchar('\n');
}

static void show_timer(const struct checkpoint_chunk *chunk, const void *contents) {
    struct checkpoint_posix_timer timer;
    if (chunk->size != sizeof timer)
        return;
    memcpy(&timer, contents, sizeof timer);
    printf("  %-4d clock %d, signal %d", timer.id, timer.clock, timer.signal);
    if (timer.left)
        printf(", in %.3f s", (double)timer.left / 1e9);
    if (timer.interval)
        printf(", every %.3f s", (double)timer.interval / 1e9);
    puts(timer.pending ? ", its signal waits" : "");
}

static void show_child(const struct checkpoint_chunk *chunk, const void *contents) {
    struct checkpoint_child child;
    if (chunk->size != sizeof child)
        return;
    memcpy(&child, contents, sizeof child);
    printf("child      %d has ended, by %s %d\n", child.pid,
           child.code == CLD_EXITED ? "exit code" : "signal", child.status);
}

static void take(struct summary *sum, const struct checkpoint_chunk *chunk, const void *contents) {
    switch (chunk->kind) {
    case CHECKPOINT_PROGRAM:
        sum->program += chunk->size;
        break;
    case CHECKPOINT_PROCESS:
        if (chunk->size == sizeof sum->process)
            memcpy(&sum->process, contents, sizeof sum->process);
        printf("program    %.*s, process %d\n", CHECKPOINT_PATH - 1, sum->process.program, sum->process.pid);
        printf("folder     %.*s\n", CHECKPOINT_PATH - 1, sum->process.directory);
        break;
    case CHECKPOINT_FILE:
        if (!sum->files++)
            puts("files");
        show_file(chunk, contents);
        break;
    case CHECKPOINT_POSIX_TIMER:
        if (!sum->timers++)
            puts("timers");
        show_timer(chunk, contents);
        break;
    case CHECKPOINT_CHILD:
        show_child(chunk, contents);
        break;
    case CHECKPOINT_CONTENT:
        sum->contents += chunk->size;
        break;
    case CHECKPOINT_MEMORY:
        *(chunk->where < POPCORN_ARENA_BASE ? &sum->data : &sum->arena) += chunk->size;
        break;
    }
}

static void show_process(struct checkpoint_input *in, int64_t begin) {
    struct checkpoint_chunk chunk;
    struct summary sum = {0};
    struct stacks stacks = {.name = in->name, .fd = in->fd, .begin = begin, .program = -1};
    off_t at;
    const void *contents;
    while (at = lseek(in->fd, 0, SEEK_CUR), checkpoint_next(in, &chunk, &contents)) {
        take(&sum, &chunk, contents);
        stacks_take(&stacks, in, &chunk, contents, at);
    }
    printf("memory     %s of heap, stacks and TLS", checkpoint_size_text(sum.arena));
    printf(", %s of data\n", checkpoint_size_text(sum.data));
    if (sum.contents)
        printf("contents   %s of files\n", checkpoint_size_text(sum.contents));
    printf("program    %s\n", sum.program ? checkpoint_size_text(sum.program) : "not inside");
    off_t end = lseek(in->fd, 0, SEEK_CUR);
    stacks_show(&stacks, &sum.process);
    lseek(in->fd, end, SEEK_SET);
}

void checkpoint_show(int fd, const char *name) {
    struct checkpoint_input in = {0};
    struct checkpoint_member member[CHECKPOINT_MEMBERS];
    char when[64];
    checkpoint_open(&in, fd, name);
    time_t written = (time_t)(in.head.written / 1000000000);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %z", localtime(&written));
    printf("checkpoint version %u, written %s on %s\n", in.head.version, when, in.head.isa);
    uint32_t count = checkpoint_read_members(&in, member);
    if (!count)
        show_process(&in, 0);
    for (uint32_t i = 0, last = count ? checkpoint_last_member(member, count) : 0; i < count; i++) {
        if (member[i].ended)
            continue;
        off_t begin = (lseek(fd, 0, SEEK_CUR) + (off_t)CHECKPOINT_PAGE - 1) & -(off_t)CHECKPOINT_PAGE;
        checkpoint_open_member(&in, i < last);
        puts("");
        show_process(&in, begin);
    }
    checkpoint_close(&in);
}
