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

#define SAMPLE ((size_t)CHECKPOINT_PAGE)

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

static void read_bytes(struct checkpoint_input *in, void *to, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = read(in->fd, (char *)to + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            die("%s: %s", in->name, strerror(errno));
        if (n == 0 && in->quiet)
            _exit(2);
        if (n == 0)
            damaged(in, "it is cut short");
        done += (size_t)n;
    }
    in->offset += size;
}

bool checkpoint_is(int fd) {
    char magic[8];
    return pread(fd, magic, sizeof magic, 0) == sizeof magic &&
           !memcmp(magic, CHECKPOINT_MAGIC, sizeof magic);
}

static void read_head(struct checkpoint_input *in) {
    size_t begin = offsetof(struct checkpoint_head, isa);
    in->number = 0;
    read_bytes(in, &in->head, begin);
    if (memcmp(in->head.magic, CHECKPOINT_MAGIC, sizeof in->head.magic))
        die("%s is no checkpoint", in->name);
    if ((in->head.version != CHECKPOINT_VERSION && in->head.version != CHECKPOINT_TREE_VERSION) ||
        in->head.size != sizeof in->head)
        die("%s: a checkpoint of another version (%u; this command knows %d and %d)", in->name,
            in->head.version, CHECKPOINT_VERSION, CHECKPOINT_TREE_VERSION);
    read_bytes(in, (char *)&in->head + begin, sizeof in->head - begin);
    if (in->head.hash != xxh64(&in->head, offsetof(struct checkpoint_head, hash), 0))
        damaged(in, "its head");
    in->head.isa[sizeof in->head.isa - 1] = 0;
}

void checkpoint_open(struct checkpoint_input *in, int fd, const char *name) {
    in->fd = fd;
    in->name = name;
    in->offset = 0;
    in->stored = allocate(STORED_MOST);
    in->contents = allocate(CHECKPOINT_MOST);
    read_head(in);
}

static void read_zeros(struct checkpoint_input *in, size_t size) {
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

/* Leaves the contents in the file. */
static void leave(struct checkpoint_input *in, struct checkpoint_chunk *chunk) {
    off_t place = lseek(in->fd, 0, SEEK_CUR);
    if (place < 0 || lseek(in->fd, (off_t)chunk->stored, SEEK_CUR) < 0)
        die("%s: %s", in->name, strerror(errno));
    in->place = (uint64_t)place;
    in->offset += chunk->stored;
    chunk->packing = CHECKPOINT_ELSEWHERE;
    chunk->stored = sizeof in->place;
}

bool checkpoint_next(struct checkpoint_input *in, struct checkpoint_chunk *chunk, const void **contents) {
    read_bytes(in, chunk, sizeof *chunk);
    bool plain = chunk->packing == CHECKPOINT_PLAIN;
    if (chunk->hash != checkpoint_chunk_hash(chunk, in->number) || chunk->gap >= CHECKPOINT_PAGE ||
        chunk->stored > STORED_MOST || chunk->size > CHECKPOINT_MOST || chunk->packing > CHECKPOINT_ZSTD ||
        (plain && chunk->stored != chunk->size))
        damaged(in, "a chunk's head");
    read_zeros(in, chunk->gap);
    if (in->leaves_memory && plain && chunk->kind == CHECKPOINT_MEMORY) {
        uint64_t padding = checkpoint_padding(chunk);
        *contents = &in->place;
        in->number++;
        leave(in, chunk);
        read_zeros(in, padding);
        return true;
    }
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
    if (!in->followed && !in->more && read(in->fd, &more, 1) != 0)
        damaged(in, "something follows its end");
    return false;
}

void checkpoint_close(struct checkpoint_input *in) {
    free(in->stored);
    free(in->contents);
    in->stored = in->contents = NULL;
}

/* Trees. */

static bool is_sound(const struct checkpoint_member *member, uint32_t i, uint32_t count) {
    const struct checkpoint_member *m = &member[i];
    for (uint32_t other = 0; other < i; other++)
        if (member[other].id == m->id)
            return false;
    bool group =
        m->group == -1 || (m->group >= 0 && (uint32_t)m->group < count && member[m->group].group == m->group);
    bool parent = i ? m->parent >= 0 && (uint32_t)m->parent < i && !member[m->parent].ended
                    : m->parent == -1 && !m->ended && m->group == -1;
    return m->id > 0 && group && parent && m->session <= 1 && m->ended <= 1 && !m->reserved;
}

uint32_t checkpoint_read_members(struct checkpoint_input *in,
                                 struct checkpoint_member member[CHECKPOINT_MEMBERS]) {
    struct checkpoint_chunk chunk;
    const void *contents;
    if (in->head.version != CHECKPOINT_TREE_VERSION)
        return 0;
    if (!checkpoint_next(in, &chunk, &contents) || chunk.kind != CHECKPOINT_TREE ||
        chunk.size % sizeof *member || chunk.size > CHECKPOINT_MEMBERS * sizeof *member)
        damaged(in, "its list of processes");
    uint32_t count = (uint32_t)(chunk.size / sizeof *member);
    memcpy(member, contents, chunk.size);
    for (uint32_t i = 0; i < count; i++)
        if (!is_sound(member, i, count))
            damaged(in, "its list of processes");
    if (count < 2)
        damaged(in, "its list of processes");
    return count;
}

uint32_t checkpoint_last_member(const struct checkpoint_member *member, uint32_t count) {
    while (member[count - 1].ended)
        count--;
    return count - 1;
}

void checkpoint_open_member(struct checkpoint_input *in, bool more) {
    read_zeros(in, -in->offset & (CHECKPOINT_PAGE - 1));
    in->more = more;
    read_head(in);
    if (in->head.version != CHECKPOINT_VERSION)
        damaged(in, "a tree in a tree");
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

void checkpoint_write_gap(struct checkpoint_output *out) {
    write_bytes(out, zeros, -out->offset & (CHECKPOINT_PAGE - 1));
}

void checkpoint_write_file(struct checkpoint_output *out, int file) {
    static char buffer[1 << 16];
    off_t at = 0;
    for (ssize_t n; (n = pread(file, buffer, sizeof buffer, at)) != 0; at += n) {
        if (n < 0)
            die("the checkpoint cannot be read back: %s", strerror(errno));
        write_bytes(out, buffer, (size_t)n);
    }
}

/* Does packing pay? A look at three places, as trying costs as much as doing. */
static bool seems_to_pack(struct checkpoint_output *out, const char *contents, size_t size) {
    size_t packed = 0, looked = 3 * SAMPLE;
    if (size < 4 * looked)
        return true;
    for (size_t i = 0; i < 3; i++) {
        const char *sample = contents + i * ((size - SAMPLE) / 2);
        size_t n = ZSTD_compressCCtx(out->context, out->packed, STORED_MOST, sample, SAMPLE, out->level);
        packed += ZSTD_isError(n) ? SAMPLE : n;
    }
    return packed < looked - looked / 8;
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
    if (!seems_to_pack(out, contents, chunk->size))
        return contents;
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
    bool elsewhere = chunk.packing == CHECKPOINT_ELSEWHERE;
    const void *stored = elsewhere ? contents : pack(out, &chunk, contents);
    chunk.gap = chunk.kind == CHECKPOINT_MEMORY && chunk.packing == CHECKPOINT_PLAIN && !out->unmapped
                    ? (uint32_t)(-(out->offset + sizeof chunk) & (CHECKPOINT_PAGE - 1))
                    : 0;
    if (!elsewhere && !(out->passes_on && original->packing == CHECKPOINT_PLAIN && stored == contents))
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
