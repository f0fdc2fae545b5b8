/* SPDX-License-Identifier: MIT */
#include "container_write.h"

#include <elf.h>
#include <string.h>
#include <zstd.h>

#include "elf_image.h"
#include "popcorn/abi.h"
#include "popcorn/container.h"
#include "popcorn/sites.h"

enum { SECTION_ALIGN = 64 };

/* The higher level takes ten times as long for a tenth less: some percent of the link of a large program, but
 * as long as the whole link of a small one. */
enum { PACKING_LEVEL = 9, PACKING_LEVEL_LARGE = 19, PACKING_LARGE = 2 << 20 };

/* The section headers and names of the file being made. */
struct sections {
    struct buffer headers, names;
    struct buffer *out;
};

static long read_buffer(void *file, void *into, size_t size, uint64_t offset) {
    const struct buffer *b = file;
    if (offset > b->size)
        return 0;
    size_t n = b->size - offset < size ? b->size - (size_t)offset : size;
    memcpy(into, b->bytes + offset, n);
    return (long)n;
}

static void add_section(struct sections *s, const char *name, const char *suffix, uint32_t type,
                        const void *bytes, size_t size) {
    buffer_align(s->out, SECTION_ALIGN);
    Elf64_Shdr header = {
        .sh_name = (Elf64_Word)s->names.size,
        .sh_type = type,
        .sh_offset = s->out->size,
        .sh_size = size,
        .sh_addralign = SECTION_ALIGN,
    };
    buffer_put(&s->names, name, strlen(name));
    buffer_put(&s->names, suffix, strlen(suffix) + 1);
    if (type == SHT_STRTAB) { /* the names themselves, complete now */
        header.sh_size = s->names.size;
        header.sh_addralign = 1;
        buffer_put(s->out, s->names.bytes, s->names.size);
    } else {
        buffer_put(s->out, bytes, size);
    }
    buffer_put(&s->headers, &header, sizeof header);
}

/* Copies the native image without its section headers, which are put in front of the new ones. */
static bool copy_native(struct sections *s, const struct container_image *image, Elf64_Ehdr *eh,
                        struct popcorn_error *error) {
    Elf64_Shdr names;
    if (image->size < sizeof *eh)
        return popcorn_fail(error, "the image of %s is cut", image->isa);
    memcpy(eh, image->bytes, sizeof *eh);
    size_t table = (size_t)eh->e_shnum * sizeof names;
    if (!eh->e_shnum || eh->e_shentsize != sizeof names || eh->e_shstrndx >= eh->e_shnum ||
        eh->e_shoff > image->size || table > image->size - eh->e_shoff)
        return popcorn_fail(error, "the image of %s has no section headers", image->isa);
    bool at_end = eh->e_shoff + table == image->size;
    buffer_put(s->out, image->bytes, at_end ? eh->e_shoff : image->size);
    buffer_put(&s->headers, image->bytes + eh->e_shoff, table);
    memcpy(&names, image->bytes + eh->e_shoff + eh->e_shstrndx * sizeof names, sizeof names);
    if (names.sh_offset > image->size || names.sh_size > image->size - names.sh_offset)
        return popcorn_fail(error, "the image of %s has no section names", image->isa);
    buffer_put(&s->names, image->bytes + names.sh_offset, names.sh_size);
    return true;
}

static bool describe(const struct container_image *from, struct popcorn_manifest_image *to,
                     uint64_t *layout_hash, struct popcorn_error *error) {
    struct elf_image elf;
    struct elf_section section;
    struct popcorn_sites table;
    GElf_Sym symbol;
    if (strlen(from->isa) >= sizeof to->isa)
        return popcorn_fail(error, "the name of ISA '%s' is too long", from->isa);
    if (!elf_image_memory(&elf, (uint8_t *)from->bytes, from->size, from->isa, error))
        return false;
    strcpy(to->isa, from->isa);
    to->machine = elf.machine;
    to->size = from->size;
    bool good = elf_section_find(&elf, POPCORN_SECTION_SITES, &section) && section.bytes &&
                popcorn_sites_open(&table, section.bytes, section.header.sh_size);
    if (good)
        to->sites = table.count;

    const uint8_t *hash = elf_symbol_find(&elf, "__popcorn_layout_hash", &symbol)
                              ? elf_at_address(&elf, symbol.st_value, sizeof *layout_hash)
                              : NULL;
    if (hash)
        memcpy(layout_hash, hash, sizeof *layout_hash);
    elf_image_close(&elf);
    return good || popcorn_fail(error, "the image of %s has no call-site table", from->isa);
}

/* Packs an image, and completes what the manifest says of it. */
static bool pack(const struct container_image *from, enum container_packing packing, struct buffer *packed,
                 struct popcorn_manifest_image *to, struct popcorn_error *error) {
    bool small = packing == CONTAINER_SMALL && from->size >= PACKING_LARGE;
    size_t most = ZSTD_compressBound(from->size);
    buffer_put(packed, NULL, most);
    size_t size = ZSTD_compress(packed->bytes, most, from->bytes, from->size,
                                small ? PACKING_LEVEL_LARGE : PACKING_LEVEL);
    if (ZSTD_isError(size))
        return popcorn_fail(error, "the image of %s cannot be packed: %s", from->isa,
                            ZSTD_getErrorName(size));
    packed->size = size;
    to->stored = size;
    to->hash = popcorn_hash(POPCORN_HASH_SEED, packed->bytes, size);
    return true;
}

static bool make_manifest(const struct container_image *images, size_t count, enum container_packing packing,
                          const struct buffer *native, struct buffer *packed, struct popcorn_manifest *m,
                          struct popcorn_error *error) {
    struct popcorn_container file = {.pread = read_buffer, .file = (void *)native};
    *m = (struct popcorn_manifest){
        .magic = POPCORN_MANIFEST_MAGIC,
        .version = POPCORN_MANIFEST_VERSION,
        .count = (uint32_t)count,
    };
    if (!count || count > POPCORN_MANIFEST_IMAGES)
        return popcorn_fail(error, "a program has 1 to %d ISAs", POPCORN_MANIFEST_IMAGES);
    for (size_t i = 0; i < count; i++) {
        uint64_t layout_hash = 0;
        if (!describe(&images[i], &m->image[i], &layout_hash, error) ||
            (i && !pack(&images[i], packing, &packed[i], &m->image[i], error)))
            return false;
        if (i && layout_hash != m->layout_hash)
            return popcorn_fail(error, "the images of %s and %s are of two programs", images[0].isa,
                                images[i].isa);
        m->layout_hash = layout_hash;
    }
    if (!popcorn_hash_native(&file, &m->image[0].size, &m->image[0].hash))
        return popcorn_fail(error, "the image of %s is cut", images[0].isa);
    m->image[0].stored = m->image[0].size;
    m->hash = popcorn_hash(POPCORN_HASH_SEED, m, sizeof *m);
    return true;
}

bool container_write(const struct container_image *images, size_t count, enum container_packing packing,
                     struct buffer *out, struct popcorn_error *error) {
    struct sections s = {.out = out};
    struct popcorn_manifest manifest;
    struct buffer packed[POPCORN_MANIFEST_IMAGES] = {0};
    Elf64_Ehdr eh;
    bool good = copy_native(&s, &images[0], &eh, error) &&
                make_manifest(images, count, packing, out, packed, &manifest, error);
    if (good) {
        for (size_t i = 1; i < count; i++)
            add_section(&s, POPCORN_SECTION_IMAGE, images[i].isa, SHT_PROGBITS, packed[i].bytes,
                        packed[i].size);
        add_section(&s, POPCORN_SECTION_MANIFEST, "", SHT_PROGBITS, &manifest, sizeof manifest);
        eh.e_shstrndx = (Elf64_Half)(s.headers.size / sizeof(Elf64_Shdr));
        add_section(&s, ".shstrtab", "", SHT_STRTAB, NULL, 0);
        buffer_align(out, SECTION_ALIGN);
        eh.e_shoff = out->size;
        eh.e_shnum = (Elf64_Half)(s.headers.size / sizeof(Elf64_Shdr));
        buffer_put(out, s.headers.bytes, s.headers.size);
        memcpy(out->bytes, &eh, sizeof eh);
    }
    for (size_t i = 0; i < POPCORN_MANIFEST_IMAGES; i++)
        buffer_free(&packed[i]);
    buffer_free(&s.headers);
    buffer_free(&s.names);
    return good;
}
