/* SPDX-License-Identifier: MIT */
#include "node/image.h"
#include "base/kernel.h"
#include "base/private.h"
#include "base/text.h"
#include "base/unpack.h"
#include "machine.h"

#define EXECUTABLE "/proc/self/exe"

static long read_file(void *file, void *buffer, size_t size, uint64_t offset) {
    return KERNEL(NR_pread64, *(int *)file, buffer, size, offset);
}

static int program_file = -1;

void image_program_is(int file) {
    program_file = file;
}

int image_program(void) {
    if (program_file >= 0)
        return (int)KERNEL(NR_fcntl, program_file, FCNTL_DUPFD_CLOEXEC, 0);
    return (int)KERNEL(NR_openat, AT_CWD, EXECUTABLE, OPEN_RDONLY | OPEN_CLOEXEC, 0);
}

bool image_manifest(struct popcorn_manifest *manifest) {
    struct popcorn_container container;
    int file = image_program();
    enum popcorn_container_state state = POPCORN_CONTAINER_FOREIGN;
    if (file >= 0) {
        state = popcorn_container_open(&container, read_file, &file);
        KERNEL(NR_close, file);
    }
    if (state == POPCORN_CONTAINER_GOOD)
        *manifest = container.manifest;
    else
        manifest->count = 0;
    return state == POPCORN_CONTAINER_GOOD || state == POPCORN_CONTAINER_FOREIGN;
}

static int refuse(char *reason, const char *isa, const char *why, int error) {
    struct text t = text_begin(reason, POPCORN_REASON_SIZE);
    text_string(&t, "the ");
    text_string(&t, isa);
    text_string(&t, " image ");
    text_string(&t, why);
    return error;
}

static long write_all(int to, const char *from, size_t size, uint64_t offset) {
    while (size) {
        long n = KERNEL(NR_pwrite64, to, from, size, offset);
        if (n == -E_INTR)
            continue;
        if (n <= 0)
            return n ? n : -E_NOMEM;
        from += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

/* The hash is that of the bytes unpacked, so a file that changes under our hands is found out too. */
static long unpack_image(const struct popcorn_container *c, int index, int to) {
    const struct popcorn_manifest_image *image = &c->manifest.image[index];
    size_t room = unpack_room(), size = room + image->stored + image->size;
    char *memory = private_memory(size);
    if (!memory)
        return -E_NOMEM;
    char *packed = memory + room, *unpacked = packed + image->stored;
    long r = -E_NOEXEC;
    if (popcorn_container_read(c, (unsigned)index, (uint8_t *)packed))
        r = unpack(unpacked, image->size, packed, image->stored, memory);
    if (r == 0)
        r = write_all(to, unpacked, image->size, 0);
    KERNEL(NR_munmap, memory, size);
    return r;
}

static int extract(struct popcorn_container *c, int index, const char *isa, char *reason) {
    int to = (int)KERNEL(NR_memfd_create, "popcorn-image", MFD_CLOEXEC);
    if (to < 0)
        return refuse(reason, isa, "cannot be unpacked: no memory file", to);
    long r = unpack_image(c, index, to);
    if (r == 0)
        return to;
    KERNEL(NR_close, to);
    return refuse(reason, isa, r == -E_NOEXEC ? "is damaged" : "cannot be unpacked: no memory", (int)r);
}

int image_open(const char *isa, char reason[POPCORN_REASON_SIZE]) {
    struct popcorn_container container;
    int file = image_program();
    if (file < 0)
        return refuse(reason, isa, "cannot be read: the executable cannot be opened", file);
    if (text_equal(isa, MACHINE_NAME))
        return file;
    int index = -1, r;
    if (popcorn_container_open(&container, read_file, &file) == POPCORN_CONTAINER_GOOD)
        index = popcorn_container_find(&container, isa);
    r = index < 0 ? refuse(reason, isa, "is not in the executable", -E_NOEXEC)
                  : extract(&container, index, isa, reason);
    KERNEL(NR_close, file);
    return r;
}
