/* SPDX-License-Identifier: MIT */
#include "elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool elf_image_memory(struct elf_image *image, uint8_t *bytes, size_t size, const char *name,
                      struct popcorn_error *error) {
    *image = (struct elf_image){.bytes = bytes, .size = size};
    GElf_Ehdr header;
    elf_version(EV_CURRENT);
    image->elf = elf_memory((char *)bytes, size);
    if (!image->elf || elf_kind(image->elf) != ELF_K_ELF || !gelf_getehdr(image->elf, &header) ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        elf_getshdrstrndx(image->elf, &image->names)) {
        elf_end(image->elf);
        return popcorn_fail(error, "%s: no 64-bit little-endian ELF file", name);
    }
    image->machine = header.e_machine;
    return true;
}

bool elf_image_open(struct elf_image *image, const char *path, struct popcorn_error *error) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        popcorn_fail(error, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    void *bytes = MAP_FAILED;
    if (st.st_size)
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return popcorn_fail(error, "%s: %s", path, st.st_size ? strerror(errno) : "empty file");
    if (!elf_image_memory(image, bytes, (size_t)st.st_size, path, error)) {
        munmap(bytes, (size_t)st.st_size);
        return false;
    }
    image->mapped = true;
    return true;
}

void elf_image_close(struct elf_image *image) {
    elf_end(image->elf);
    if (image->mapped)
        munmap(image->bytes, image->size);
    *image = (struct elf_image){0};
}

bool elf_section_at(const struct elf_image *image, size_t index, struct elf_section *section) {
    Elf_Scn *scn = elf_getscn(image->elf, index);
    if (!scn || !gelf_getshdr(scn, &section->header))
        return false;
    const GElf_Shdr *h = &section->header;
    section->index = index;
    section->name = elf_strptr(image->elf, image->names, h->sh_name);
    section->bytes = NULL;
    if (!section->name)
        return false;
    if (h->sh_type == SHT_NOBITS)
        return true;
    section->bytes = image->bytes + h->sh_offset;
    return h->sh_offset <= image->size && h->sh_size <= image->size - h->sh_offset;
}

bool elf_section_find(const struct elf_image *image, const char *name, struct elf_section *section) {
    for (size_t i = 1; elf_section_at(image, i, section); i++)
        if (!strcmp(section->name, name))
            return true;
    return false;
}

void elf_symbols_open(const struct elf_image *image, struct elf_symbols *symbols) {
    struct elf_section s;
    *symbols = (struct elf_symbols){0};
    for (size_t i = 1; elf_section_at(image, i, &s); i++) {
        if (s.header.sh_type != SHT_SYMTAB || !s.header.sh_entsize)
            continue;
        symbols->data = elf_getdata(elf_getscn(image->elf, i), NULL);
        symbols->count = symbols->data ? s.header.sh_size / s.header.sh_entsize : 0;
        symbols->strings = s.header.sh_link;
        return;
    }
}

const char *elf_symbol_at(const struct elf_image *image, const struct elf_symbols *symbols, size_t index,
                          GElf_Sym *symbol) {
    if (!gelf_getsym(symbols->data, (int)index, symbol))
        return "";
    const char *name = elf_strptr(image->elf, symbols->strings, symbol->st_name);
    return name ? name : "";
}

bool elf_symbol_find(const struct elf_image *image, const char *name, GElf_Sym *symbol) {
    struct elf_symbols symbols;
    elf_symbols_open(image, &symbols);
    for (size_t i = 0; i < symbols.count; i++)
        if (!strcmp(elf_symbol_at(image, &symbols, i, symbol), name) && symbol->st_shndx != SHN_UNDEF)
            return true;
    return false;
}

const uint8_t *elf_at_address(const struct elf_image *image, uint64_t address, uint64_t size) {
    size_t n;
    if (elf_getphdrnum(image->elf, &n))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr p;
        if (!gelf_getphdr(image->elf, (int)i, &p) || p.p_type != PT_LOAD)
            continue;
        uint64_t begin = address - p.p_vaddr;
        if (address < p.p_vaddr || begin > p.p_filesz || size > p.p_filesz - begin)
            continue;
        uint64_t offset = p.p_offset + begin;
        return offset <= image->size && size <= image->size - offset ? image->bytes + offset : NULL;
    }
    return NULL;
}
