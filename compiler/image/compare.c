/* SPDX-License-Identifier: MIT */
#include "compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "popcorn/sites.h"
#include "registers.h"

struct name {
    const char *text;
    uint64_t address;
};

struct names {
    struct name *name;
    size_t count;
};

static int by_text(const void *a, const void *b) {
    const struct name *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->address > y->address) - (x->address < y->address);
}

static bool is_portable(const struct elf_image *image, const GElf_Sym *symbol, uint64_t text_begin,
                        uint64_t text_end) {
    struct elf_section s;
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    if (type == STT_FUNC)
        return symbol->st_value >= text_begin && symbol->st_value < text_end;
    return type == STT_OBJECT && elf_section_at(image, symbol->st_shndx, &s) &&
           !strncmp(s.name, ".popcorn.", 9) && strcmp(s.name, ".popcorn.sites");
}

static void collect(const struct elf_image *image, uint64_t text_begin, uint64_t text_end,
                    struct names *names) {
    struct elf_symbols symbols;
    elf_symbols_open(image, &symbols);
    *names = (struct names){.name = must_alloc(symbols.count * sizeof *names->name)};
    for (size_t i = 1; i < symbols.count; i++) {
        GElf_Sym symbol;
        const char *text = elf_symbol_at(image, &symbols, i, &symbol);
        if (is_portable(image, &symbol, text_begin, text_end))
            names->name[names->count++] = (struct name){text, symbol.st_value};
    }
    if (names->count)
        qsort(names->name, names->count, sizeof *names->name, by_text);
}

static bool compare_names(const struct compared_image *a, const struct names *na,
                          const struct compared_image *b, const struct names *nb,
                          struct popcorn_error *error) {
    for (size_t i = 0; i < na->count || i < nb->count; i++) {
        const struct name *x = i < na->count ? &na->name[i] : NULL, *y = i < nb->count ? &nb->name[i] : NULL;
        int order = !x ? 1 : !y ? -1 : strcmp(x->text, y->text);
        if (order)
            return popcorn_fail(error, "'%s' is in the image of %s only", order < 0 ? x->text : y->text,
                                order < 0 ? a->name : b->name);
        if (x->address != y->address)
            return popcorn_fail(error, "'%s' is at 0x%" PRIx64 " on %s but at 0x%" PRIx64 " on %s", x->text,
                                x->address, a->name, y->address, b->name);
    }
    return true;
}

static bool compare_section(const struct compared_image *a, const struct compared_image *b, const char *name,
                            struct popcorn_error *error) {
    struct elf_section x, y;
    bool in_a = elf_section_find(&a->elf, name, &x), in_b = elf_section_find(&b->elf, name, &y);
    if (!in_a && !in_b)
        return true;
    if (in_a != in_b)
        return popcorn_fail(error, "%s is in the image of %s only", name, in_a ? a->name : b->name);
    if (x.header.sh_addr != y.header.sh_addr || x.header.sh_size != y.header.sh_size)
        return popcorn_fail(error, "%s is of %" PRIu64 " bytes on %s but of %" PRIu64 " on %s", name,
                            x.header.sh_size, a->name, y.header.sh_size, b->name);
    if (!x.bytes || !y.bytes)
        return x.bytes == y.bytes || popcorn_fail(error, "%s has contents in one image only", name);
    for (size_t i = 0; i < x.header.sh_size; i++)
        if (x.bytes[i] != y.bytes[i])
            return popcorn_fail(error, "%s differs between %s and %s at 0x%" PRIx64, name, a->name, b->name,
                                x.header.sh_addr + i);
    return true;
}

/* Opens and checks an image's call-site table. */
static bool open_sites(const struct compared_image *image, struct popcorn_sites *table,
                       struct popcorn_error *error) {
    const struct machine_registers *registers = registers_of(image->elf.machine);
    struct elf_section section;
    bool good = registers && elf_section_find(&image->elf, ".popcorn.sites", &section) && section.bytes &&
                popcorn_sites_open(table, section.bytes, section.header.sh_size);
    if (good) {
        uint32_t *place = must_alloc(table->nslots * sizeof *place);
        good = popcorn_sites_verify(table, registers->count, place);
        free(place);
    }
    return good || popcorn_fail(error, "the call-site table of %s is damaged", image->name);
}

/* The tables are sound, so each has as many values for a site as its frame has live slots. */
static bool compare_sites(const struct compared_image *a, const struct popcorn_sites *x,
                          const struct compared_image *b, const struct popcorn_sites *y,
                          struct popcorn_error *error) {
    bool same = x->nsites == y->nsites && x->nframes == y->nframes && x->live_size == y->live_size &&
                !memcmp(x->frame, y->frame, x->nframes * sizeof *x->frame) &&
                !memcmp(x->live, y->live, x->live_size);
    return same || popcorn_fail(error, "the frames of %s and %s are described in two ways", a->name, b->name);
}

bool images_compare(const struct compared_image *images, size_t count, uint64_t text_begin, uint64_t text_end,
                    struct popcorn_error *error) {
    static const char *const sections[] = {".popcorn.rodata", ".popcorn.data", ".popcorn.bss"};
    struct names first = {0}, other = {0};
    struct popcorn_sites first_sites, other_sites;
    collect(&images[0].elf, text_begin, text_end, &first);
    bool good = open_sites(&images[0], &first_sites, error);
    for (size_t i = 1; good && i < count; i++) {
        for (size_t k = 0; good && k < sizeof sections / sizeof *sections; k++)
            good = compare_section(&images[0], &images[i], sections[k], error);
        collect(&images[i].elf, text_begin, text_end, &other);
        good = good && compare_names(&images[0], &first, &images[i], &other, error) &&
               open_sites(&images[i], &other_sites, error) &&
               compare_sites(&images[0], &first_sites, &images[i], &other_sites, error);
        free(other.name);
    }
    free(first.name);
    return good;
}
