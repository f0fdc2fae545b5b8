/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/home.h"
#include "checkpoint/internal.h"
#include "memory/memory.h"
#include "memory/touched.h"
#include "thread/threads.h"

extern char __popcorn_data_start[] __attribute__((weak));
extern char __popcorn_data_end[] __attribute__((weak));

static uint64_t pending_for_all(void) {
    uint64_t pending = 0;
    KERNEL(NR_rt_sigpending, &pending, 8); /* all signals are blocked in this thread */
    return pending;
}

void write_process(struct stream *s, const struct file_list *files, bool program_inside,
                   uint64_t program_size, const uint8_t digest[32]) {
    static struct checkpoint_process p;
    const struct popcorn_control *control = popcorn_control();
    int64_t stamp[CLOCK_STAMPS];
    (void)files;
    clock_stamp(stamp);
    p = (struct checkpoint_process){.pid = control->seen_pid,
                                    .nthreads = control->nthreads,
                                    .program_inside = program_inside,
                                    .realtime = stamp[CLOCK_REALTIME],
                                    .monotonic = stamp[CLOCK_MONOTONIC],
                                    .data_start = (uint64_t)__popcorn_data_start,
                                    .data_end = (uint64_t)__popcorn_data_end,
                                    .pending = pending_for_all(),
                                    .program_size = program_size};
    p.umask = (uint32_t)KERNEL(NR_umask, 0);
    KERNEL(NR_umask, p.umask);
    for (int i = 0; i < CHECKPOINT_LIMITS; i++)
        KERNEL(NR_prlimit64, 0, i, 0, p.limit[i]);
    for (int i = 0; i < CHECKPOINT_TIMERS; i++)
        KERNEL(NR_getitimer, i, p.timer[i]);
    __builtin_memcpy(p.program_hash, digest, sizeof p.program_hash);
    __builtin_memcpy(p.program, control->program, sizeof p.program);
    KERNEL(NR_getcwd, p.directory, sizeof p.directory);
    stream_put(s, CHECKPOINT_PROCESS, 0, &p, sizeof p);
}

void write_threads(struct stream *s) {
    uint64_t shared = pending_for_all();
    for (const struct popcorn_thread *t = popcorn_control()->threads; t && s->error == 0; t = t->next) {
        struct gathered g = gathered_signals(t);
        struct checkpoint_thread thread = {
            .address = (uint64_t)t, .tid = t->tid, .mask = g.mask, .pending = g.pending & ~shared};
        stream_put(s, CHECKPOINT_THREAD, 0, &thread, sizeof thread);
    }
}

static long put_pages(uint64_t start, uint64_t size, void *state) {
    struct stream *s = state;
    stream_put(s, CHECKPOINT_MEMORY, start, (const void *)start, size);
    return s->error;
}

long write_memory(struct stream *s) {
    long r = memory_each_touched(put_pages, s);
    if (r && s->error == 0)
        s->error = r;
    return s->error;
}
