/* SPDX-License-Identifier: MIT */
#include "agent/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "popcorn/container.h"
#include "popcorn/sha256.h"

#define LARGEST (1ULL << 32) /* bytes of a program's file that are taken */

static int fail(char error[256], const char *what, int number) {
    snprintf(error, 256, "%s: %s", what, strerror(number));
    errno = number;
    return -1;
}

static void name_of(const uint8_t digest[32], char name[96]) {
    int n = snprintf(name, 96, IMAGES_FOLDER "/");
    for (int i = 0; i < 32; i++)
        n += snprintf(name + n, 96 - (size_t)n, "%02x", digest[i]);
}

static long read_file(void *file, void *buffer, size_t size, uint64_t offset) {
    return pread(*(int *)file, buffer, size, (off_t)offset);
}

static bool digest_is(int fd, const uint8_t digest[32]) {
    static _Thread_local uint8_t buffer[65536];
    struct sha256 state;
    uint8_t found[32];
    off_t at = 0;
    ssize_t n;
    sha256_begin(&state);
    while ((n = pread(fd, buffer, sizeof buffer, at)) > 0) {
        sha256_add(&state, buffer, (size_t)n);
        at += n;
    }
    sha256_end(&state, found);
    return n == 0 && memcmp(found, digest, sizeof found) == 0;
}

/* Copies a part of one file to the end of another. */
static bool copy(int from, uint64_t at, uint64_t size, int to) {
    static _Thread_local uint8_t buffer[65536];
    while (size) {
        ssize_t n = pread(from, buffer, size < sizeof buffer ? size : sizeof buffer, (off_t)at);
        if (n <= 0 || write(to, buffer, (size_t)n) != n)
            return false;
        at += (uint64_t)n;
        size -= (uint64_t)n;
    }
    return true;
}

/* Takes this machine's image out of a program's file. 0 or an errno. */
static int extract(int file, uint64_t size, int to) {
    struct popcorn_container container;
    struct utsname host;
    uname(&host);
    if (popcorn_container_open(&container, read_file, &file) != POPCORN_CONTAINER_GOOD)
        return ENOEXEC;
    int i = popcorn_container_find(&container, host.machine);
    if (i < 0)
        return ENOEXEC;
    if (i > 0)
        size = container.manifest.image[i].size;
    return copy(file, container.offset[i], size, to) ? 0 : EIO;
}

static int receive(int socket, int to) {
    static _Thread_local uint8_t buffer[65536];
    struct link_answer answer;
    if (link_read(socket, &answer, sizeof answer))
        return EIO;
    if (answer.error || answer.size > LARGEST)
        return answer.error ? answer.error : EFBIG;
    while (answer.size) {
        size_t n = answer.size < sizeof buffer ? (size_t)answer.size : sizeof buffer;
        if (link_read(socket, buffer, n))
            return EIO;
        if (write(to, buffer, n) != (ssize_t)n)
            return EIO;
        answer.size -= n;
    }
    return 0;
}

/* A nameless file in the folder: nobody sees it until it is whole. */
static int nameless(void) {
    mkdir("/var/cache", 0755);
    mkdir(IMAGES_FOLDER, 0700);
    return open(IMAGES_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0555);
}

/* Keeps the image under the program's digest. Failing that only costs the next program a transfer. */
static int keep(int image, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", image);
    fchmod(image, 0555);
    linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
    int kept = open(path, O_RDONLY | O_CLOEXEC); /* what can be written to cannot be run */
    close(image);
    return kept;
}

static int fetch(int socket, const uint8_t digest[32], const char *name, char error[256]) {
    int file = nameless(), image = nameless();
    int r = file < 0 || image < 0 ? errno : receive(socket, file);
    if (r == 0 && !digest_is(file, digest))
        r = EBADMSG;
    struct stat s = {0};
    if (r == 0 && fstat(file, &s))
        r = errno;
    if (r == 0)
        r = extract(file, (uint64_t)s.st_size, image);
    if (file >= 0)
        close(file);
    if (r == 0)
        return keep(image, name);
    if (image >= 0)
        close(image);
    return fail(error, "the program's image", r);
}

int images_get(const struct machines *m, int nid, uint32_t tgid, const uint8_t digest[32], char error[256]) {
    struct link_hello hello = {.purpose = LINK_IMAGE, .tgid = tgid};
    char name[96];
    name_of(digest, name);
    int image = open(name, O_RDONLY | O_CLOEXEC);
    if (image >= 0)
        return image;
    if (nid < 0 || nid >= NODES_MAX || !m->known[nid])
        return fail(error, "the program's machine", ENOENT);
    memcpy(hello.digest, digest, sizeof hello.digest);
    int socket = link_connect(m, nid, hello, error);
    if (socket < 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    image = fetch(socket, digest, name, error);
    int number = errno;
    close(socket);
    errno = number;
    return image;
}

void images_serve(int socket, const struct link_hello *hello) {
    struct link_answer answer = {.error = ENOENT};
    struct stat s;
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/exe", hello->tgid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && fstat(file, &s) == 0 && S_ISREG(s.st_mode) && digest_is(file, hello->digest))
        answer = (struct link_answer){.size = (uint64_t)s.st_size};
    static _Thread_local uint8_t buffer[65536];
    off_t at = 0;
    bool good = link_write(socket, &answer, sizeof answer) == 0;
    while (good && answer.size) {
        ssize_t n = pread(file, buffer, answer.size < sizeof buffer ? answer.size : sizeof buffer, at);
        good = n > 0 && link_write(socket, buffer, (size_t)n) == 0;
        answer.size -= n > 0 ? (uint64_t)n : 0;
        at += n;
    }
    if (file >= 0)
        close(file);
}
