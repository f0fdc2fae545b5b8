/* SPDX-License-Identifier: MIT */
#include "checkpoint/internal.h"

#define CLOCK_OF_DAY 0
#define FILE_BUFFER 65536

extern const uint64_t __popcorn_layout_hash __attribute__((weak));

static const char zeros[CHECKPOINT_PAGE];

/* Writes all of the pieces, however few bytes the other side takes at once. */
static void write_pieces(struct stream *s, struct kernel_vector *piece, int count) {
    while (count && s->error == 0) {
        if (!piece->length) {
            piece++;
            count--;
            continue;
        }
        long n = KERNEL(NR_writev, s->fd, piece, count);
        if (n == -E_INTR)
            continue;
        if (n <= 0) {
            s->error = n ? n : -E_IO;
            return;
        }
        s->offset += (uint64_t)n;
        for (; count && (uint64_t)n >= piece->length; piece++, count--)
            n -= (long)piece->length;
        if (count) {
            piece->base = (const char *)piece->base + n;
            piece->length -= (uint64_t)n;
        }
    }
}

void stream_head(struct stream *s) {
    struct checkpoint_head head = {.magic = CHECKPOINT_MAGIC,
                                   .version = CHECKPOINT_VERSION,
                                   .size = sizeof head,
                                   .isa = MACHINE_NAME,
                                   .layout_hash = popcorn_control()->layout_hash};
    struct kernel_time now;
    KERNEL(NR_clock_gettime, CLOCK_OF_DAY, &now);
    head.written = now.seconds * 1000000000 + now.nanoseconds;
    head.hash = xxh64(&head, offsetof(struct checkpoint_head, hash), 0);
    struct kernel_vector piece = {&head, sizeof head};
    write_pieces(s, &piece, 1);
}

/* The hash of the contents is that of the two pieces together; only small ones come in two. */
static void put(struct stream *s, enum checkpoint_kind kind, uint64_t where, const void *bytes,
                uint64_t size) {
    struct checkpoint_chunk chunk = {.kind = (uint16_t)kind, .where = where, .size = size, .stored = size};
    if (kind == CHECKPOINT_MEMORY) /* where a reader may map it from */
        chunk.gap = (uint32_t)(-(s->offset + sizeof chunk) & (CHECKPOINT_PAGE - 1));
    chunk.contents_hash = xxh64(bytes, size, 0);
    chunk.hash = checkpoint_chunk_hash(&chunk, s->number++);
    struct kernel_vector piece[] = {
        {&chunk, sizeof chunk}, {zeros, chunk.gap}, {bytes, size}, {zeros, checkpoint_padding(&chunk)}};
    write_pieces(s, piece, 4);
    if (s->progress)
        s->progress(s);
}

void stream_put(struct stream *s, enum checkpoint_kind kind, uint64_t where, const void *bytes,
                uint64_t size) {
    do {
        uint64_t n = size < CHECKPOINT_MOST ? size : CHECKPOINT_MOST;
        put(s, kind, where, bytes, n);
        bytes = (const char *)bytes + n;
        where += n;
        size -= n;
    } while (size && s->error == 0);
}

void stream_put2(struct stream *s, enum checkpoint_kind kind, uint64_t where, const void *first,
                 uint64_t first_size, const void *second, uint64_t second_size) {
    char both[sizeof(struct checkpoint_file) + CHECKPOINT_PATH];
    if (first_size + second_size > sizeof both) {
        s->error = -E_INVAL;
        return;
    }
    __builtin_memcpy(both, first, first_size);
    __builtin_memcpy(both + first_size, second, second_size);
    put(s, kind, where, both, first_size + second_size);
}

void stream_file(struct stream *s, enum checkpoint_kind kind, int file, uint64_t size) {
    static char buffer[FILE_BUFFER];
    for (uint64_t at = 0; at < size && s->error == 0;) {
        long n = KERNEL(NR_pread64, file, buffer, sizeof buffer, at);
        if (n == -E_INTR)
            continue;
        if (n <= 0) {
            s->error = n ? n : -E_IO;
            return;
        }
        put(s, kind, at, buffer, (uint64_t)n);
        at += (uint64_t)n;
    }
}

void stream_end(struct stream *s) {
    put(s, CHECKPOINT_END, s->number, NULL, 0);
}
