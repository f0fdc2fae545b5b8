/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "popcorn.h"

static const uint8_t *section_bytes(Elf_Scn *section) {
    Elf_Data *data = elf_rawdata(section, NULL);
    return data ? data->d_buf : NULL;
}

static void take_section(struct image *image, Elf_Scn *section, const GElf_Shdr *header, const char *name) {
    if (!(header->sh_flags & SHF_ALLOC))
        return;
    if (strcmp(name, POPCORN_SECTION_SITES) == 0) {
        image->table = header->sh_size;
        if (!popcorn_sites_open(&image->sites, section_bytes(section), header->sh_size))
            die("the %s image's call-site table is damaged", image->isa);
    } else if (header->sh_flags & SHF_EXECINSTR) {
        image->text += header->sh_size;
    } else if (header->sh_flags & SHF_WRITE) {
        image->data += header->sh_size;
    } else {
        image->constants += header->sh_size;
    }
}

void image_open(struct image *image, const char *isa, const uint8_t *bytes, size_t size) {
    size_t names;
    *image = (struct image){.isa = isa};
    elf_version(EV_CURRENT);
    image->elf = elf_memory((char *)bytes, size);
    if (!image->elf || elf_getshdrstrndx(image->elf, &names) < 0)
        die("the %s image cannot be read: %s", isa, elf_errmsg(-1));
    for (Elf_Scn *section = NULL; (section = elf_nextscn(image->elf, section));) {
        GElf_Shdr header;
        const char *name;
        if (gelf_getshdr(section, &header) && (name = elf_strptr(image->elf, names, header.sh_name)))
            take_section(image, section, &header, name);
    }
    if (!image->table)
        die("the %s image has no call-site table", isa);
}

/* Visits every symbol until `visit` returns true. */
static bool each_symbol(const struct image *image, bool (*visit)(const char *, const GElf_Sym *, void *),
                        void *data) {
    for (Elf_Scn *section = NULL; (section = elf_nextscn(image->elf, section));) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB || !header.sh_entsize)
            continue;
        Elf_Data *symbols = elf_getdata(section, NULL);
        for (size_t i = 0; symbols && i < header.sh_size / header.sh_entsize; i++) {
            GElf_Sym symbol;
            const char *name;
            if (gelf_getsym(symbols, (int)i, &symbol) &&
                (name = elf_strptr(image->elf, header.sh_link, symbol.st_name)) && visit(name, &symbol, data))
                return true;
        }
    }
    return false;
}

struct search {
    const char *name;
    GElf_Sym found;
};

static bool is_wanted(const char *name, const GElf_Sym *symbol, void *data) {
    struct search *search = data;
    if (strcmp(name, search->name) != 0 || symbol->st_shndx == SHN_UNDEF)
        return false;
    search->found = *symbol;
    return true;
}

/* The bytes of a symbol's object, and their number; NULL if there is no such symbol. */
static const void *object(const struct image *image, const char *name, size_t *size) {
    struct search search = {.name = name};
    GElf_Shdr header;
    if (!each_symbol(image, is_wanted, &search))
        return NULL;
    Elf_Scn *section = elf_getscn(image->elf, search.found.st_shndx);
    if (!section || !gelf_getshdr(section, &header))
        return NULL;
    uint64_t offset = search.found.st_value - header.sh_addr;
    const uint8_t *bytes = section_bytes(section);
    if (!bytes || header.sh_type == SHT_NOBITS || offset > header.sh_size ||
        search.found.st_size > header.sh_size - offset)
        return NULL;
    *size = search.found.st_size;
    return bytes + offset;
}

struct program_tables image_tables(const struct image *image) {
    struct program_tables t = {0};
    size_t size;
    const char *names = object(image, "__popcorn_names", &size);
    if (!names)
        return t;
    t.name = calloc(image->sites.nframes + 1UL, sizeof *t.name);
    if (!t.name)
        die("out of memory");
    for (const char *at = names, *end; t.nfunctions < image->sites.nframes; at = end + 1) {
        end = memchr(at, 0, (size_t)(names + size - at));
        if (!end)
            break;
        t.name[t.nfunctions++] = at;
    }
    return t;
}

const char *tables_function(const struct program_tables *t, uint32_t function) {
    return function < t->nfunctions ? t->name[function] : NULL;
}

struct visit {
    void (*visit)(const char *, uint64_t, void *);
    void *data;
};

static bool visit_function(const char *name, const GElf_Sym *symbol, void *data) {
    const struct visit *v = data;
    if (GELF_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF)
        v->visit(name, symbol->st_size, v->data);
    return false;
}

void image_each_function(const struct image *image, void (*visit)(const char *, uint64_t, void *),
                         void *data) {
    struct visit v = {visit, data};
    each_symbol(image, visit_function, &v);
}
