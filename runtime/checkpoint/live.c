/* SPDX-License-Identifier: MIT */
/*
 * Memory that goes while the program runs: a round writes a snapshot of it, the next one what has changed
 * since, and the last, when the threads stand still for good, what has changed then, and which pages there
 * are. What has changed is told by a hash of each page, but for those that are surely as they were
 * (memory_each_page()): nobody has to look at these.
 */
#include "checkpoint/job.h"
#include "memory/touched.h"
#include "popcorn/abi.h"

#define RUNS (CHECKPOINT_MOST / sizeof(struct checkpoint_run))
#define TABLE_SIZE (POPCORN_ARENA_LIMIT / CHECKPOINT_PAGE * sizeof(uint64_t))

/*
 * By the number of a page, the hash of what was written of it last, but for two bits. Shared, as a round is
 * written by a child. NULL: there is no memory for it, and each round writes everything.
 */
static uint64_t *written;

#define SENT 1UL /* it has been written */
#define SAME 2UL /* and is surely as it was then */

static uint32_t moment; /* of the last round */

struct round {
    struct stream *stream;
    struct checkpoint_run *run; /* of the last round: where there are pages */
    uint64_t runs;
};

bool live_begin(void) {
    long r = KERNEL(NR_mmap, 0, TABLE_SIZE, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    written = r < 0 && r >= -4095 ? NULL : (uint64_t *)r;
    return written;
}

void live_end(void) {
    if (written)
        KERNEL(NR_munmap, written, TABLE_SIZE);
    written = NULL;
}

static void note(uint64_t page, bool same) {
    uint64_t *word = &written[page / CHECKPOINT_PAGE];
    if (*word & SENT)
        *word = same ? *word | SAME : *word & ~SAME;
}

void live_look(bool child) {
    if (!written)
        return;
    memory_each_page(note, child, moment);
    moment = memory_moment();
}

/* Asked of pages that are not zeros, or of the image's data. */
static bool has_changed(uint64_t page, const char *bytes) {
    if (!written)
        return true;
    uint64_t *word = &written[page / CHECKPOINT_PAGE];
    if (*word & SAME)
        return false;
    uint64_t hash = (xxh64(bytes, CHECKPOINT_PAGE, 0) & ~(SENT | SAME)) | SENT;
    bool changed = *word != hash;
    *word = hash;
    return changed;
}

static void put_runs(struct round *round) {
    if (round->runs)
        stream_put(round->stream, CHECKPOINT_PAGES, 0, round->run, round->runs * sizeof *round->run);
    round->runs = 0;
}

static long put_changed(uint64_t start, const char *bytes, uint64_t size, void *state) {
    struct round *round = state;
    struct stream *s = round->stream;
    uint64_t begin = 0;
    for (uint64_t at = 0; at < size && s->error == 0; at += CHECKPOINT_PAGE) {
        if (has_changed(start + at, bytes + at))
            continue;
        if (at > begin)
            stream_put(s, CHECKPOINT_MEMORY, start + begin, bytes + begin, at - begin);
        begin = at + CHECKPOINT_PAGE;
    }
    if (size > begin)
        stream_put(s, CHECKPOINT_MEMORY, start + begin, bytes + begin, size - begin);
    if (round->run) {
        if (round->runs == RUNS)
            put_runs(round);
        round->run[round->runs++] = (struct checkpoint_run){start, size};
    }
    return s->error;
}

static void put_round(struct round *round) {
    long r = memory_each_touched(put_changed, round);
    if (round->run)
        put_runs(round);
    if (r && round->stream->error == 0)
        round->stream->error = r;
}

void live_write_round(struct stream *s) {
    put_round(&(struct round){.stream = s});
}

void live_write_last(struct stream *s) {
    struct round round = {.stream = s, .run = private_memory(CHECKPOINT_MOST)};
    if (!round.run) {
        s->error = -E_NOMEM;
        return;
    }
    put_round(&round);
    KERNEL(NR_munmap, round.run, CHECKPOINT_MOST);
    if (s->error == 0)
        stream_end(s);
}
