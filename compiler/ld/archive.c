/* SPDX-License-Identifier: MIT */
#include "archive.h"

#include <ar.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer.h"

static const char thin_magic[] = "!<thin>\n";

bool file_map(const char *path, struct file_bytes *file) {
    struct stat st;
    *file = (struct file_bytes){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = !fstat(fd, &st);
    if (good && st.st_size > 0) {
        file->size = (size_t)st.st_size;
        file->bytes = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
        good = file->bytes != MAP_FAILED;
    }
    int error = errno;
    close(fd);
    errno = error;
    return good;
}

void file_unmap(struct file_bytes *file) {
    if (file->size)
        munmap(file->bytes, file->size);
    *file = (struct file_bytes){0};
}

static bool is_thin(const struct file_bytes *file) {
    return file->size >= SARMAG && !memcmp(file->bytes, thin_magic, SARMAG);
}

bool is_archive(const struct file_bytes *file) {
    return is_thin(file) || (file->size >= SARMAG && !memcmp(file->bytes, ARMAG, SARMAG));
}

struct walk {
    const char *path;
    const struct file_bytes *archive;
    struct file_bytes names; /* the table of long names */
    void (*visit)(const char *, const struct file_bytes *, void *);
    void *data;
};

/* A member's name, from its header or from the table of long names; ends at '/' and newline. */
static char *member_name(const struct walk *w, const struct ar_hdr *header) {
    const char *text = header->ar_name;
    size_t most = sizeof header->ar_name;
    bool long_name = text[0] == '/' && text[1] >= '0' && text[1] <= '9';
    if (long_name) {
        size_t offset = strtoul(text + 1, NULL, 10);
        if (offset >= w->names.size)
            return must_strdup("?");
        text = (const char *)w->names.bytes + offset;
        most = w->names.size - offset;
    }
    size_t n = 0;
    while (n < most && text[n] != '\n' && text[n] != '\0')
        n++;
    while (n && (text[n - 1] == ' ' || text[n - 1] == '/'))
        n--;
    return strndup(text, n);
}

/* The file that a thin archive's member stands for, by a path relative to the archive. */
static bool visit_thin(const struct walk *w, const char *name) {
    const char *slash = strrchr(w->path, '/');
    int folder = slash && name[0] != '/' ? (int)(slash - w->path + 1) : 0;
    char *path = must_format("%.*s%s", folder, w->path, name);
    struct file_bytes member;
    bool good = file_map(path, &member);
    if (good)
        w->visit(name, &member, w->data);
    file_unmap(&member);
    free(path);
    return good;
}

static bool is_table(const struct ar_hdr *header) {
    const char *n = header->ar_name;
    return !memcmp(n, "/ ", 2) || !memcmp(n, "// ", 3) || !memcmp(n, "/SYM64/", 7) ||
           !memcmp(n, "__.SYMDEF", 9);
}

bool archive_walk(const char *path, const struct file_bytes *archive,
                  void (*visit)(const char *name, const struct file_bytes *member, void *data), void *data) {
    struct walk w = {.path = path, .archive = archive, .visit = visit, .data = data};
    bool thin = is_thin(archive), good = true;
    size_t at = SARMAG;
    while (good && at + sizeof(struct ar_hdr) <= archive->size) {
        struct ar_hdr header;
        memcpy(&header, archive->bytes + at, sizeof header);
        at += sizeof header;
        bool table = is_table(&header);
        size_t size = strtoul(header.ar_size, NULL, 10);
        size_t inside = thin && !table ? 0 : size;
        if (memcmp(header.ar_fmag, ARFMAG, 2) || inside > archive->size - at)
            return false;
        struct file_bytes member = {archive->bytes + at, inside};
        if (!memcmp(header.ar_name, "// ", 3))
            w.names = member;
        if (!table) {
            char *name = member_name(&w, &header);
            if (thin)
                good = visit_thin(&w, name);
            else
                visit(name, &member, data);
            free(name);
        }
        at += inside + (inside & 1);
    }
    return good;
}
