/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "container_unpack.h"
#include "container_write.h"
#include "popcorn.h"
#include "popcorn/abi.h"

static long read_mapped(void *file, void *buffer, size_t size, uint64_t offset) {
    const struct program *p = file;
    if (offset >= p->size)
        return 0;
    if (size > p->size - offset)
        size = p->size - offset;
    memcpy(buffer, p->bytes + offset, size);
    return (long)size;
}

static void map_file(struct program *p, const char *path) {
    struct stat s;
    *p = (struct program){.path = path};
    p->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (p->fd < 0 || fstat(p->fd, &s) < 0)
        die("%s: %s", path, strerror(errno));
    if (!S_ISREG(s.st_mode) || s.st_size == 0)
        die("%s is no popcorn program", path);
    p->size = (size_t)s.st_size;
    p->bytes = mmap(NULL, p->size, PROT_READ, MAP_PRIVATE, p->fd, 0);
    if (p->bytes == MAP_FAILED)
        die("%s: %s", path, strerror(errno));
}

void program_open(struct program *p, const char *path) {
    map_file(p, path);
    switch (popcorn_container_open(&p->container, read_mapped, p)) {
    case POPCORN_CONTAINER_GOOD:
        break;
    case POPCORN_CONTAINER_FOREIGN:
        die("%s is no popcorn program", path);
    case POPCORN_CONTAINER_DAMAGED:
        die("%s is damaged: it was cut or changed after it was linked", path);
    case POPCORN_CONTAINER_OTHER:
        die("%s was linked by another version of popcorn: link it again", path);
    }
    for (unsigned i = 0; i < p->container.manifest.count; i++)
        if (!popcorn_container_check(&p->container, i))
            die("%s is damaged: its %s image was cut or changed after it was linked", path,
                p->container.manifest.image[i].isa);
}

static long read_file(void *file, void *buffer, size_t size, uint64_t offset) {
    return pread(*(int *)file, buffer, size, (off_t)offset);
}

bool program_is(const char *path) {
    struct popcorn_container container;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0 && popcorn_container_open(&container, read_file, &fd) == POPCORN_CONTAINER_GOOD;
    if (fd >= 0)
        close(fd);
    return is;
}

const uint8_t *program_image(struct program *p, unsigned index, size_t *size) {
    struct buffer *image = &p->image[index];
    struct popcorn_error error;
    *size = index == 0 ? p->size : p->container.manifest.image[index].size;
    if (index == 0)
        return p->bytes;
    if (!image->size && !container_unpack(&p->container, index, image, &error))
        die("%s is damaged: %s", p->path, error.text);
    return image->bytes;
}

static bool is_added(const char *section) {
    return strncmp(section, POPCORN_SECTION_IMAGE, strlen(POPCORN_SECTION_IMAGE)) == 0 ||
           strcmp(section, POPCORN_SECTION_MANIFEST) == 0;
}

/*
 * The first image as it was before the others were put into its file: what was added, the new section names
 * among it, lies behind everything else. The container has been checked, so headers are where they should be.
 */
static struct buffer front_alone(const struct program *p) {
    struct popcorn_elf_header header;
    struct buffer image = {0};
    memcpy(&header, p->bytes, sizeof header);
    const struct popcorn_elf_section *section = (const void *)(p->bytes + header.shoff);
    const char *names = (const char *)p->bytes + section[header.shstrndx].offset;
    uint16_t count = 0;
    for (; count < header.shnum && !is_added(names + section[count].name); count++)
        if (strcmp(names + section[count].name, ".shstrtab") == 0)
            header.shstrndx = count;
    header.shnum = count;
    buffer_put(&image, p->bytes, section[count].offset);
    buffer_align(&image, 8);
    header.shoff = image.size;
    buffer_put(&image, section, count * sizeof *section);
    memcpy(image.bytes, &header, sizeof header);
    return image;
}

struct buffer program_with_front(struct program *p, unsigned index) {
    const struct popcorn_manifest *manifest = &p->container.manifest;
    struct container_image images[POPCORN_MANIFEST_IMAGES];
    struct buffer file = {0}, front = front_alone(p);
    struct popcorn_error error;
    for (unsigned i = 0; i < manifest->count; i++) {
        /* The image wanted and the first one change places. */
        unsigned from = i == 0 ? index : i == index ? 0 : i;
        images[i].isa = manifest->image[from].isa;
        images[i].bytes = from ? program_image(p, from, &images[i].size) : front.bytes;
        images[i].size = from ? images[i].size : front.size;
    }
    if (!container_write(images, manifest->count, CONTAINER_FAST, &file, &error))
        die("%s: %s", p->path, error.text);
    buffer_free(&front);
    return file;
}

/* The candidate FOLDER/NAME if it can be executed, else NULL. An empty folder is the current one. */
static char *executable(const char *folder, size_t length, const char *name) {
    char *path = NULL;
    struct stat s;
    if (asprintf(&path, "%.*s%s%s", (int)length, folder, length ? "/" : "", name) < 0)
        die("out of memory");
    if (access(path, X_OK) == 0 && stat(path, &s) == 0 && S_ISREG(s.st_mode))
        return path;
    free(path);
    return NULL;
}

const char *program_find(const char *name) {
    const char *search = getenv("PATH");
    if (strchr(name, '/'))
        return name;
    for (const char *at = search ? search : ""; *at;) {
        size_t length = strcspn(at, ":");
        char *path = executable(at, length, name);
        if (path)
            return path;
        at += length + (at[length] == ':');
    }
    die("%s: not found in PATH", name);
}

const char *machine_isa(void) {
    static struct utsname names;
    if (!names.machine[0])
        uname(&names);
    return names.machine;
}
