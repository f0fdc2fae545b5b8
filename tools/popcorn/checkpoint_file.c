/* SPDX-License-Identifier: MIT */
#include "checkpoint_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zstd.h>

#include "popcorn.h"

#define STORED_MOST (CHECKPOINT_MOST + CHECKPOINT_MOST / 8 + 4096) /* packed, at worst */

static const char zeros[CHECKPOINT_PAGE];

static void *allocate(size_t size) {
    void *memory = malloc(size);
    if (!memory)
        die("out of memory");
    return memory;
}

/* Reading. */

static _Noreturn void damaged(const struct checkpoint_input *in, const char *what) {
    die("%s: the checkpoint is damaged: %s", in->name, what);
}

static void read_bytes(const struct checkpoint_input *in, void *to, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = read(in->fd, (char *)to + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            die("%s: %s", in->name, strerror(errno));
        if (n == 0)
            damaged(in, "it is cut short");
        done += (size_t)n;
    }
}

bool checkpoint_is(int fd) {
    char magic[8];
    return pread(fd, magic, sizeof magic, 0) == sizeof magic &&
           !memcmp(magic, CHECKPOINT_MAGIC, sizeof magic);
}

void checkpoint_open(struct checkpoint_input *in, int fd, const char *name) {
    *in = (struct checkpoint_input){.fd = fd, .name = name};
    size_t begin = offsetof(struct checkpoint_head, isa);
    read_bytes(in, &in->head, begin);
    if (memcmp(in->head.magic, CHECKPOINT_MAGIC, sizeof in->head.magic))
        die("%s is no checkpoint", name);
    if (in->head.version != CHECKPOINT_VERSION || in->head.size != sizeof in->head)
        die("%s: a checkpoint of another version (%u; this command knows %d)", name, in->head.version,
            CHECKPOINT_VERSION);
    read_bytes(in, (char *)&in->head + begin, sizeof in->head - begin);
    if (in->head.hash != xxh64(&in->head, offsetof(struct checkpoint_head, hash), 0))
        damaged(in, "its head");
    in->head.isa[sizeof in->head.isa - 1] = 0;
    in->stored = allocate(STORED_MOST);
    in->contents = allocate(CHECKPOINT_MOST);
}

static void read_zeros(const struct checkpoint_input *in, size_t size) {
    char bytes[CHECKPOINT_PAGE];
    read_bytes(in, bytes, size);
    if (memcmp(bytes, zeros, size))
        damaged(in, "there is something between its chunks");
}

static const void *unpack(const struct checkpoint_input *in, const struct checkpoint_chunk *chunk) {
    if (chunk->packing == CHECKPOINT_PLAIN)
        return in->stored;
    size_t size = ZSTD_decompress(in->contents, CHECKPOINT_MOST, in->stored, chunk->stored);
    if (ZSTD_isError(size) || size != chunk->size)
        damaged(in, "a chunk cannot be unpacked");
    return in->contents;
}

bool checkpoint_next(struct checkpoint_input *in, struct checkpoint_chunk *chunk, const void **contents) {
    read_bytes(in, chunk, sizeof *chunk);
    bool plain = chunk->packing == CHECKPOINT_PLAIN;
    if (chunk->hash != checkpoint_chunk_hash(chunk, in->number) || chunk->gap >= CHECKPOINT_PAGE ||
        chunk->stored > STORED_MOST || chunk->size > CHECKPOINT_MOST || chunk->packing > CHECKPOINT_ZSTD ||
        (plain && chunk->stored != chunk->size))
        damaged(in, "a chunk's head");
    read_zeros(in, chunk->gap);
    read_bytes(in, in->stored, chunk->stored);
    read_zeros(in, checkpoint_padding(chunk));
    if (chunk->contents_hash != xxh64(in->stored, chunk->stored, 0))
        damaged(in, "a chunk's contents");
    *contents = unpack(in, chunk);
    if (chunk->kind != CHECKPOINT_END) {
        in->number++;
        return true;
    }
    char more;
    if (chunk->where != in->number)
        damaged(in, "chunks are missing");
    if (read(in->fd, &more, 1) != 0)
        damaged(in, "something follows its end");
    return false;
}

void checkpoint_close(struct checkpoint_input *in) {
    free(in->stored);
    free(in->contents);
}

/* Writing. */

static void write_bytes(struct checkpoint_output *out, const void *from, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = write(out->fd, (const char *)from + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int error = errno;
            if (out->failed)
                out->failed();
            die("the checkpoint cannot be written: %s", strerror(error));
        }
        done += (size_t)n;
    }
    out->offset += size;
}

void checkpoint_write_head(struct checkpoint_output *out, const struct checkpoint_head *head) {
    write_bytes(out, head, sizeof *head);
}

/* Packed only if that pays. */
static const void *pack(struct checkpoint_output *out, struct checkpoint_chunk *chunk, const void *contents) {
    chunk->packing = CHECKPOINT_PLAIN;
    chunk->stored = chunk->size;
    if (!out->level || chunk->size < 256)
        return contents;
    if (!out->packed) {
        out->packed = allocate(STORED_MOST);
        out->context = ZSTD_createCCtx();
        if (!out->context)
            die("out of memory");
    }
    size_t size =
        ZSTD_compressCCtx(out->context, out->packed, STORED_MOST, contents, chunk->size, out->level);
    if (ZSTD_isError(size) || size > chunk->size - chunk->size / 8)
        return contents;
    chunk->packing = CHECKPOINT_ZSTD;
    chunk->stored = size;
    return out->packed;
}

void checkpoint_write(struct checkpoint_output *out, const struct checkpoint_chunk *original,
                      const void *contents) {
    struct checkpoint_chunk chunk = *original;
    const void *stored = pack(out, &chunk, contents);
    chunk.gap = chunk.kind == CHECKPOINT_MEMORY && chunk.packing == CHECKPOINT_PLAIN
                    ? (uint32_t)(-(out->offset + sizeof chunk) & (CHECKPOINT_PAGE - 1))
                    : 0;
    chunk.contents_hash = xxh64(stored, chunk.stored, 0);
    chunk.hash = checkpoint_chunk_hash(&chunk, out->number++);
    write_bytes(out, &chunk, sizeof chunk);
    write_bytes(out, zeros, chunk.gap);
    write_bytes(out, stored, chunk.stored);
    write_bytes(out, zeros, checkpoint_padding(&chunk));
}

const char *checkpoint_size_text(uint64_t bytes) {
    static char text[32];
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    int unit = 0;
    for (; size >= 1024 && unit < 4; unit++)
        size /= 1024;
    snprintf(text, sizeof text, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
    return text;
}
