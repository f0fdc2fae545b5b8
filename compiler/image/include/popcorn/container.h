/* SPDX-License-Identifier: MIT */
/*
 * How one executable file holds the program's images, and how to find them in it.
 *
 * The file is the ELF image of the ISA it was linked on, with sections added that are not loaded: for each
 * other ISA `.popcorn.image.<isa>` with that ISA's whole ELF image, packed as one zstd frame, and
 * `.popcorn.manifest` with a struct popcorn_manifest. Sections are found by name, so the file may be
 * stripped. The manifest has sizes and hash of every image: a file that was cut or changed is found out
 * before anything is unpacked or run from it.
 *
 * The reader needs no libc, allocates nothing, and is safe in any number of threads. Files may hold anything.
 */
#ifndef POPCORN_CONTAINER_H
#define POPCORN_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POPCORN_MANIFEST_MAGIC 0x4e52434f50504f50ULL /* "POPPOCRN" */
#define POPCORN_MANIFEST_VERSION 2
#define POPCORN_MANIFEST_IMAGES 8 /* at most so many ISAs */
#define POPCORN_ISA_NAME 16
#define POPCORN_IMAGE_MOST (1ULL << 31) /* bytes: no image is larger, by where things may lie */

/* What is needed of ELF (64 bits, little-endian), for those who have no elf.h. */
struct popcorn_elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct popcorn_elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct popcorn_elf_section {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};

#define POPCORN_ELF_LOAD 1 /* type of a segment */

struct popcorn_manifest_image {
    char isa[POPCORN_ISA_NAME]; /* NUL-terminated */
    uint32_t machine;           /* e_machine */
    uint32_t sites;             /* return addresses in its call-site table */
    uint64_t size;              /* of the image in bytes, or of the loaded part of the native one */
    uint64_t stored;            /* its bytes in the file: packed, but for the native image */
    uint64_t hash;              /* of those */
};

struct popcorn_manifest {
    uint64_t magic;
    uint32_t version;
    uint32_t count;       /* images; the first is the file itself */
    uint64_t layout_hash; /* __popcorn_layout_hash of the program, the same in all images */
    uint64_t hash;        /* of this struct with 0 here */
    struct popcorn_manifest_image image[POPCORN_MANIFEST_IMAGES];
};

/* Reads up to `size` bytes at `offset` of a file: the number read (less only at the end), or negative. */
typedef long popcorn_pread(void *file, void *buffer, size_t size, uint64_t offset);

struct popcorn_container {
    popcorn_pread *pread;
    void *file;
    struct popcorn_manifest manifest;
    uint64_t offset[POPCORN_MANIFEST_IMAGES]; /* of the image in the file; 0 for the native image */
};

enum popcorn_container_state {
    POPCORN_CONTAINER_GOOD,
    POPCORN_CONTAINER_FOREIGN, /* no popcorn program */
    POPCORN_CONTAINER_DAMAGED, /* truncated or altered */
    POPCORN_CONTAINER_OTHER,   /* linked by a popcorn-ld that made manifests of another version */
};

/* The hash: 64 bits, for finding damage, not for keeping out an enemy. Begin with POPCORN_HASH_SEED; equal to
 * the hash of all bytes at once if every part but the last is a multiple of 8 bytes. */
#define POPCORN_HASH_SEED 0x706f70636f726e31ULL

static inline uint64_t popcorn_hash(uint64_t hash, const void *bytes, size_t size) {
    const uint8_t *p = bytes;
    while (size) {
        uint64_t word = 0;
        size_t n = size < 8 ? size : 8;
        if (n == 8)
            __builtin_memcpy(&word, p, 8);
        else
            for (size_t i = 0; i < n; i++)
                word |= (uint64_t)p[i] << (8 * i);
        hash = (hash ^ word ^ (n << 56)) * 0x9e3779b97f4a7c15ULL;
        hash ^= hash >> 29;
        p += n;
        size -= n;
    }
    return hash;
}

static inline bool popcorn_read_all(const struct popcorn_container *c, void *buffer, size_t size,
                                    uint64_t offset) {
    return c->pread(c->file, buffer, size, offset) == (long)size;
}

/*
 * The hash of `size` bytes of the file at `offset`, going on from *hash; they are left at `to` unless that is
 * null. False if they are not all there.
 */
static inline bool popcorn_hash_range(const struct popcorn_container *c, uint64_t offset, uint64_t size,
                                      uint64_t *hash, uint8_t *to) {
    uint8_t buffer[4096];
    while (size) {
        size_t n = size < sizeof buffer ? (size_t)size : sizeof buffer;
        uint8_t *part = to ? to : buffer;
        if (!popcorn_read_all(c, part, n, offset))
            return false;
        *hash = popcorn_hash(*hash, part, n);
        offset += n;
        size -= n;
        to = to ? to + n : to;
    }
    return true;
}

/*
 * Hash and size of what is loaded of the file's own image. The ELF header counts without the fields that
 * strip changes. False if the file is cut.
 */
static inline bool popcorn_hash_native(const struct popcorn_container *c, uint64_t *size, uint64_t *hash) {
    struct popcorn_elf_header eh;
    if (!popcorn_read_all(c, &eh, sizeof eh, 0))
        return false;
    uint64_t phoff = eh.phoff;
    unsigned phnum = eh.phnum;
    eh.shoff = 0;
    eh.shnum = 0;
    eh.shstrndx = 0;
    *hash = popcorn_hash(POPCORN_HASH_SEED, &eh, sizeof eh);
    *size = sizeof eh;
    for (unsigned i = 0; i < phnum; i++) {
        struct popcorn_elf_segment ph;
        if (!popcorn_read_all(c, &ph, sizeof ph, phoff + i * sizeof ph))
            return false;
        *hash = popcorn_hash(*hash, &ph, sizeof ph);
        uint64_t skip = ph.offset < sizeof eh ? sizeof eh - ph.offset : 0;
        if (ph.type != POPCORN_ELF_LOAD || ph.filesz <= skip)
            continue;
        if (!popcorn_hash_range(c, ph.offset + skip, ph.filesz - skip, hash, NULL))
            return false;
        *size += ph.filesz - skip;
    }
    return true;
}

/* The stored bytes of image i > 0 of an opened container, to where there is room for them, if not null. Are
 * they whole and unaltered? */
static inline bool popcorn_container_read(const struct popcorn_container *c, unsigned i, uint8_t *to) {
    const struct popcorn_manifest_image *image = &c->manifest.image[i];
    uint64_t hash = POPCORN_HASH_SEED;
    return popcorn_hash_range(c, c->offset[i], image->stored, &hash, to) && hash == image->hash;
}

/* Is image i of an opened container whole and unaltered? */
static inline bool popcorn_container_check(const struct popcorn_container *c, unsigned i) {
    const struct popcorn_manifest_image *image = &c->manifest.image[i];
    uint64_t size, hash;
    if (i)
        return popcorn_container_read(c, i, NULL);
    return popcorn_hash_native(c, &size, &hash) && size == image->size && hash == image->hash;
}

static inline bool popcorn_same_text(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* Index of an ISA's image in an opened container, or -1. */
static inline int popcorn_container_find(const struct popcorn_container *c, const char *isa) {
    for (unsigned i = 0; i < c->manifest.count; i++)
        if (popcorn_same_text(c->manifest.image[i].isa, isa))
            return (int)i;
    return -1;
}

static inline bool popcorn_manifest_sound(const struct popcorn_manifest *m) {
    struct popcorn_manifest copy = *m;
    copy.hash = 0;
    if (m->magic != POPCORN_MANIFEST_MAGIC || m->version != POPCORN_MANIFEST_VERSION)
        return false;
    if (popcorn_hash(POPCORN_HASH_SEED, &copy, sizeof copy) != m->hash)
        return false;
    for (unsigned i = 0; i < m->count && i < POPCORN_MANIFEST_IMAGES; i++)
        if (m->image[i].isa[POPCORN_ISA_NAME - 1] || m->image[i].size > POPCORN_IMAGE_MOST ||
            m->image[i].stored > POPCORN_IMAGE_MOST)
            return false;
    return m->count >= 1 && m->count <= POPCORN_MANIFEST_IMAGES;
}

/* Reads the manifest. Of any version, it begins with magic and version. */
static inline enum popcorn_container_state popcorn_container_manifest(struct popcorn_container *c,
                                                                      const struct popcorn_elf_section *sh) {
    struct popcorn_manifest *m = &c->manifest;
    size_t head = offsetof(struct popcorn_manifest, count);
    if (sh->size < head || !popcorn_read_all(c, m, head, sh->offset) || m->magic != POPCORN_MANIFEST_MAGIC)
        return POPCORN_CONTAINER_DAMAGED;
    if (m->version != POPCORN_MANIFEST_VERSION)
        return POPCORN_CONTAINER_OTHER;
    if (sh->size != sizeof *m || !popcorn_read_all(c, m, sizeof *m, sh->offset) || !popcorn_manifest_sound(m))
        return POPCORN_CONTAINER_DAMAGED;
    return POPCORN_CONTAINER_GOOD;
}

/* Takes note of one section: the manifest (pass 0), or an image that the manifest names (pass 1). */
static inline enum popcorn_container_state popcorn_container_section(struct popcorn_container *c,
                                                                     const struct popcorn_elf_section *sh,
                                                                     const char *name, int pass,
                                                                     bool *manifest) {
    static const char prefix[] = ".popcorn.image.";
    size_t n = sizeof prefix - 1;
    if (pass == 0) {
        if (!popcorn_same_text(name, ".popcorn.manifest"))
            return POPCORN_CONTAINER_GOOD;
        *manifest = true;
        return popcorn_container_manifest(c, sh);
    }
    for (size_t i = 0; i < n; i++)
        if (name[i] != prefix[i])
            return POPCORN_CONTAINER_GOOD;
    int i = popcorn_container_find(c, name + n);
    if (i < 1)
        return POPCORN_CONTAINER_GOOD;
    c->offset[i] = sh->offset;
    return sh->size == c->manifest.image[i].stored ? POPCORN_CONTAINER_GOOD : POPCORN_CONTAINER_DAMAGED;
}

/*
 * Opens the executable behind pread(file, …). Reads headers and manifest; the images' hashes are looked at by
 * popcorn_container_check().
 */
static inline enum popcorn_container_state popcorn_container_open(struct popcorn_container *c,
                                                                  popcorn_pread *pread, void *file) {
    struct popcorn_elf_header eh;
    struct popcorn_elf_section strings, sh;
    bool manifest = false;
    c->pread = pread;
    c->file = file;
    if (!popcorn_read_all(c, &eh, sizeof eh, 0) || __builtin_memcmp(eh.ident, "\177ELF\2\1", 6))
        return POPCORN_CONTAINER_FOREIGN;
    if (!eh.shnum)
        return POPCORN_CONTAINER_FOREIGN;
    if (eh.shentsize != sizeof sh || eh.shstrndx >= eh.shnum ||
        !popcorn_read_all(c, &strings, sizeof strings, eh.shoff + eh.shstrndx * sizeof sh))
        return POPCORN_CONTAINER_DAMAGED;
    for (unsigned i = 0; i < POPCORN_MANIFEST_IMAGES; i++)
        c->offset[i] = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 1; i < eh.shnum; i++) {
            char name[sizeof ".popcorn.image." + POPCORN_ISA_NAME] = {0};
            if (!popcorn_read_all(c, &sh, sizeof sh, eh.shoff + i * sizeof sh) ||
                c->pread(c->file, name, sizeof name - 1, strings.offset + sh.name) < 0)
                return POPCORN_CONTAINER_DAMAGED;
            enum popcorn_container_state state = popcorn_container_section(c, &sh, name, pass, &manifest);
            if (state != POPCORN_CONTAINER_GOOD)
                return state;
        }
        if (!manifest)
            return POPCORN_CONTAINER_FOREIGN;
    }
    for (unsigned i = 1; i < c->manifest.count; i++)
        if (!c->offset[i])
            return POPCORN_CONTAINER_DAMAGED;
    return POPCORN_CONTAINER_GOOD;
}

#endif
