/* SPDX-License-Identifier: MIT */
#include "agent/images.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/room.h"
#include "container_unpack.h"
#include "popcorn/container.h"
#include "popcorn/sha256.h"

#define NAME_SIZE 128

/* A part of a file. */
struct part {
    int fd;
    uint64_t at, size;
};

static int fail(char error[256], const char *what, int number) {
    snprintf(error, 256, "%s: %s", what, strerror(number));
    errno = number;
    return -1;
}

/* IMAGES_FOLDER/PREFIX and the digest. */
static void name_of(const char *prefix, const uint8_t digest[32], char name[NAME_SIZE]) {
    int n = snprintf(name, NAME_SIZE, IMAGES_FOLDER "/%s", prefix);
    for (int i = 0; i < 32; i++)
        n += snprintf(name + n, NAME_SIZE - (size_t)n, "%02x", digest[i]);
}

static bool digest_of(const struct part *part, uint8_t digest[32]) {
    static _Thread_local uint8_t buffer[65536];
    struct sha256 state;
    sha256_begin(&state);
    for (uint64_t done = 0; done < part->size;) {
        uint64_t left = part->size - done;
        ssize_t n =
            pread(part->fd, buffer, left < sizeof buffer ? left : sizeof buffer, (off_t)(part->at + done));
        if (n <= 0)
            return false;
        sha256_add(&state, buffer, (size_t)n);
        done += (uint64_t)n;
    }
    sha256_end(&state, digest);
    return true;
}

/*
 * Where images go to.
 */

/* A nameless file in the folder: nobody sees it until it is whole. */
static int nameless(void) {
    mkdir("/var/cache", 0755);
    mkdir(IMAGES_FOLDER, 0700);
    return open(IMAGES_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0555);
}

/* 0 or an errno. */
static int receive(int socket, const struct link_answer *answer, int to) {
    static _Thread_local uint8_t buffer[65536];
    uint8_t digest[32];
    for (uint64_t left = answer->size; left;) {
        size_t n = left < sizeof buffer ? (size_t)left : sizeof buffer;
        if (link_read(socket, buffer, n))
            return EIO;
        if (write(to, buffer, n) != (ssize_t)n)
            return errno ? errno : EIO;
        left -= n;
    }
    struct part whole = {to, 0, answer->size};
    return digest_of(&whole, digest) && memcmp(digest, answer->digest, sizeof digest) == 0 ? 0 : EBADMSG;
}

/* One more name. Failing that only costs the next program a transfer. */
static void enter(int image, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", image);
    linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

/* What can be written to cannot be run: the file once more, for reading. */
static int reopen(int image) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", image);
    int again = open(path, O_RDONLY | O_CLOEXEC);
    close(image);
    return again;
}

/* An image that is here: a descriptor, or -1. */
static int open_image(const char *name) {
    int image = open(name, O_RDONLY | O_CLOEXEC);
    if (image >= 0)
        room_used(image);
    return image;
}

/* 0 or an errno. */
static int receive_within_room(int socket, const struct link_answer *answer, int to) {
    if (!room_reserve(IMAGES_FOLDER, answer->size))
        return ENOSPC;
    int r = receive(socket, answer, to);
    room_release(answer->size);
    return r;
}

/* The image that the other side offers: it comes, unless it is here. A descriptor, or -1 with errno. */
static int take(int socket, const struct link_answer *answer) {
    char name[NAME_SIZE];
    name_of("", answer->digest, name);
    int image = open_image(name);
    if (image >= 0)
        return image;
    image = nameless();
    int r = image < 0 ? errno : receive_within_room(socket, answer, image);
    if (r == 0) {
        fchmod(image, 0555);
        enter(image, name);
        return reopen(image);
    }
    if (image >= 0)
        close(image);
    errno = r;
    return -1;
}

static int fetch(int socket, char error[256]) {
    struct link_answer answer;
    if (link_read(socket, &answer, sizeof answer))
        return fail(error, "the program's machine", EIO);
    if (answer.error)
        return fail(error, "the program's machine", answer.error);
    int image = take(socket, &answer);
    return image < 0 ? fail(error, "the program's image", errno) : image;
}

int images_get(const struct machines *m, const struct popcorn_clone_request *program, char error[256]) {
    struct link_hello hello = {.purpose = LINK_IMAGE, .tgid = program->tgid};
    int nid = (int)program->nid;
    char prefix[48], name[NAME_SIZE];
    struct utsname host;
    snprintf(prefix, sizeof prefix, "program-%d-%u-", nid, program->uid);
    name_of(prefix, program->hash, name);
    int image = open_image(name);
    if (image >= 0)
        return image;
    if (nid < 0 || nid >= NODES_MAX || !m->known[nid])
        return fail(error, "the program's machine", ENOENT);
    uname(&host);
    snprintf(hello.isa, sizeof hello.isa, "%.15s", host.machine);
    memcpy(hello.digest, program->hash, sizeof hello.digest);
    int socket = link_connect(m, nid, hello, error);
    if (socket < 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    image = fetch(socket, error);
    int number = errno;
    close(socket);
    if (image >= 0)
        enter(image, name);
    errno = number;
    return image;
}

/*
 * Where they come from.
 */

static long read_file(void *file, void *buffer, size_t size, uint64_t offset) {
    return pread(*(int *)file, buffer, size, (off_t)offset);
}

/* What is loaded of the image that the file begins with: the others lie behind that. */
static uint64_t loaded_size(int file) {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    uint64_t size = 0;
    if (pread(file, &header, sizeof header, 0) != sizeof header)
        return 0;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        off_t at = (off_t)(header.e_phoff + i * sizeof segment);
        if (pread(file, &segment, sizeof segment, at) != sizeof segment)
            return 0;
        if (segment.p_type == PT_LOAD && segment.p_offset + segment.p_filesz > size)
            size = segment.p_offset + segment.p_filesz;
    }
    return size;
}

/* Unpacks an image into a memory file. 0 or an errno. */
static int unpack(const struct popcorn_container *container, unsigned index, struct part *image) {
    struct buffer bytes = {0};
    struct popcorn_error error;
    int number = 0;
    if (!container_unpack(container, index, &bytes, &error))
        return ENOEXEC;
    int file = memfd_create("popcorn-image", MFD_CLOEXEC);
    if (file < 0 || write(file, bytes.bytes, bytes.size) != (ssize_t)bytes.size)
        number = errno ? errno : EIO;
    *image = (struct part){file, 0, bytes.size};
    buffer_free(&bytes);
    return number;
}

/* The image for an ISA in a program's file. 0 or an errno. */
static int find_image(int file, const char *isa, struct part *image) {
    struct popcorn_container container;
    if (popcorn_container_open(&container, read_file, &file) != POPCORN_CONTAINER_GOOD)
        return ENOEXEC;
    int i = popcorn_container_find(&container, isa);
    if (i < 0)
        return ENOEXEC;
    if (i > 0)
        return unpack(&container, (unsigned)i, image);
    *image = (struct part){file, 0, loaded_size(file)};
    return image->size ? 0 : ENOEXEC;
}

/* Is it the file that is asked for, with such an image? 0 or an errno. */
static int look(int file, const struct link_hello *hello, struct part *image) {
    uint8_t digest[32];
    struct stat s;
    if (file < 0 || fstat(file, &s) || !S_ISREG(s.st_mode))
        return ENOENT;
    struct part whole = {file, 0, (uint64_t)s.st_size};
    if (!digest_of(&whole, digest) || memcmp(digest, hello->digest, sizeof digest) != 0)
        return ENOENT;
    return hello->isa[sizeof hello->isa - 1] ? EINVAL : find_image(file, hello->isa, image);
}

static void send_part(int socket, const struct part *part) {
    static _Thread_local uint8_t buffer[65536];
    for (uint64_t done = 0; done < part->size;) {
        uint64_t left = part->size - done;
        ssize_t n =
            pread(part->fd, buffer, left < sizeof buffer ? left : sizeof buffer, (off_t)(part->at + done));
        if (n <= 0 || link_write(socket, buffer, (size_t)n))
            return;
        done += (uint64_t)n;
    }
}

/* The other side closes the connection if it has the image. */
void images_serve(int socket, const struct link_hello *hello) {
    struct link_answer answer = {0};
    struct part image = {-1, 0, 0};
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/exe", hello->tgid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    answer.error = look(file, hello, &image);
    answer.size = image.size;
    if (answer.error == 0 && !digest_of(&image, answer.digest))
        answer.error = EIO;
    if (link_write(socket, &answer, sizeof answer) == 0 && answer.error == 0)
        send_part(socket, &image);
    if (image.fd >= 0 && image.fd != file)
        close(image.fd);
    if (file >= 0)
        close(file);
}
