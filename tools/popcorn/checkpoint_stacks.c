/* SPDX-License-Identifier: MIT */
#include "checkpoint_stacks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image.h"
#include "popcorn.h"
#include "popcorn/thread.h"
#include "program.h"

#define NAMES_MOST 12 /* functions of a thread that are shown */

static void take_program(struct stacks *s, const struct checkpoint_chunk *chunk, const void *contents) {
    if (s->program < 0)
        s->program = memfd_create("popcorn-program", MFD_CLOEXEC);
    if (s->program < 0 ||
        pwrite(s->program, contents, chunk->size, (off_t)chunk->where) != (ssize_t)chunk->size)
        die("cannot fill a memory file: %s", strerror(errno));
}

void stacks_take(struct stacks *s, const struct checkpoint_input *in, const struct checkpoint_chunk *chunk,
                 const void *contents, int64_t at) {
    if (chunk->kind == CHECKPOINT_PROGRAM)
        take_program(s, chunk, contents);
    if (chunk->kind == CHECKPOINT_MEMORY) {
        s->place = grow(s->place, s->places, &s->room, sizeof *s->place);
        s->place[s->places++] = (struct place){chunk->where, chunk->size, in->number - 1, at};
    }
    if (chunk->kind == CHECKPOINT_THREAD && chunk->size == sizeof *s->thread) {
        s->thread = realloc(s->thread, (s->threads + 1) * sizeof *s->thread);
        if (!s->thread)
            die("out of memory");
        memcpy(&s->thread[s->threads++], contents, sizeof *s->thread);
    }
}

/*
 * Memory. The chunk that was read last is kept.
 */

struct memory {
    const struct stacks *stacks;
    struct checkpoint_input in;
    const struct place *now;
    const uint8_t *contents;
};

static const struct place *place_of(const struct stacks *s, uint64_t address) {
    for (uint64_t i = 0; i < s->places; i++)
        if (address - s->place[i].where < s->place[i].size)
            return &s->place[i];
    return NULL;
}

static const uint8_t *contents_of(struct memory *m, const struct place *place) {
    struct checkpoint_chunk chunk;
    const void *contents;
    if (m->now != place) {
        lseek(m->stacks->fd, place->at, SEEK_SET);
        m->in.number = place->number;
        checkpoint_next(&m->in, &chunk, &contents);
        m->contents = contents;
        m->now = place;
    }
    return m->contents;
}

/* What is in no chunk is zeros. */
static void read_memory(struct memory *m, uint64_t address, void *to, uint64_t size) {
    memset(to, 0, size);
    while (size) {
        const struct place *place = place_of(m->stacks, address);
        uint64_t left = CHECKPOINT_PAGE - address % CHECKPOINT_PAGE;
        uint64_t n = left < size ? left : size;
        if (place)
            memcpy(to, contents_of(m, place) + (address - place->where), n);
        to = (char *)to + n;
        address += n;
        size -= n;
    }
}

/*
 * Names.
 */

struct names {
    struct image image;
    struct program_tables tables; /* no names: the program's file is not at hand, or stripped */
};

/* The program's file: out of the checkpoint, or, if it is not inside, where it lay. */
static struct names open_names(const struct stacks *s, const struct checkpoint_process *process) {
    static struct program program;
    struct names names = {0};
    char inside[64];
    size_t size;
    snprintf(inside, sizeof inside, "/proc/self/fd/%d", s->program);
    const char *path = s->program >= 0 ? inside : process->program;
    if (s->program < 0 && access(path, R_OK))
        return names;
    program_open(&program, path);
    const uint8_t *bytes = program_image(&program, 0, &size);
    image_open(&names.image, program.container.manifest.image[0].isa, bytes, size);
    names.tables = image_tables(&names.image);
    return names;
}

static const char *name_of(const struct names *names, uint32_t site) {
    struct popcorn_live live;
    bool known = names->image.elf && popcorn_live_open(&names->image.sites, site, &live);
    const char *name = known ? tables_function(&names->tables, live.function) : NULL;
    return name ? name : "?";
}

/* Outermost first, with a gap in the middle if there are many. */
static void show_chain(struct memory *m, const struct names *names, const struct popcorn_thread *thread) {
    struct frame_record record;
    uint64_t at = (uintptr_t)thread->outermost, shown = 0, frames = thread->frames;
    uint64_t end = (uintptr_t)thread->records + thread->records_size;
    for (uint64_t i = 0; i < frames && at && at < end; i++) {
        read_memory(m, at, &record, sizeof record);
        at += sizeof record + record.nvalues * 8UL;
        if (record.site == POPCORN_SITE_LANDING)
            break;
        if (frames > NAMES_MOST && i >= NAMES_MOST / 2 && i < frames - NAMES_MOST / 2) {
            if (i == NAMES_MOST / 2)
                printf(" > (%lu more)", (unsigned long)(frames - NAMES_MOST));
            continue;
        }
        printf("%s%s", shown++ ? " > " : "", name_of(names, record.site));
    }
    putchar('\n');
}

void stacks_show(struct stacks *s, const struct checkpoint_process *process) {
    struct memory memory = {.stacks = s, .in.followed = true};
    struct names names = open_names(s, process);
    lseek(s->fd, s->begin, SEEK_SET);
    checkpoint_open(&memory.in, s->fd, s->name);
    puts("threads");
    for (uint64_t i = 0; i < s->threads; i++) {
        struct popcorn_thread thread;
        read_memory(&memory, s->thread[i].address, &thread, sizeof thread);
        printf("  %-8d ", s->thread[i].tid);
        show_chain(&memory, &names, &thread);
    }
    checkpoint_close(&memory.in);
    if (s->program >= 0)
        close(s->program);
    free(names.tables.name);
    free(s->place);
    free(s->thread);
}
