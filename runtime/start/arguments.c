/* SPDX-License-Identifier: MIT */
#include "memory/memory.h"
#include "popcorn/abi.h"
#include "popcorn/container.h"
#include "start/start.h"

enum {
    AUX_NULL = 0,
    AUX_PHDR = 3,
    AUX_PHENT = 4,
    AUX_PHNUM = 5,
    AUX_BASE = 7,
    AUX_PLATFORM = 15,
    AUX_HWCAP = 16,
    AUX_BASE_PLATFORM = 24,
    AUX_RANDOM = 25,
    AUX_HWCAP2 = 26,
    AUX_RSEQ_SIZE = 27,
    AUX_RSEQ_ALIGN = 28,
    AUX_HWCAP3 = 29,
    AUX_HWCAP4 = 30,
    AUX_EXECFN = 31,
    AUX_SYSINFO = 32,
    AUX_SYSINFO_EHDR = 33,
    AUX_MINSIGSTKSZ = 51,
    SEGMENT_TLS = 7,
    SEGMENT_PHDR = 6,
    SEGMENT_GNU_STACK = 0x6474e551,
    SEGMENTS = 3,
    RANDOM_BYTES = 16,
};

extern const struct popcorn_tls __popcorn_tls __attribute__((weak));

/* The copy being made: words from its beginning, bytes behind them. */
struct copy {
    unsigned long *word;
    char *byte;
};

static size_t length(const char *s) {
    size_t n = 0;
    while (s[n])
        n++;
    return n + 1;
}

static unsigned long put_bytes(struct copy *c, const void *from, size_t size) {
    char *at = c->byte;
    __builtin_memcpy(at, from, size);
    c->byte += size;
    return (unsigned long)at;
}

static void put_strings(struct copy *c, char **strings) {
    for (; *strings; strings++)
        *c->word++ = put_bytes(c, *strings, length(*strings));
    *c->word++ = 0;
}

/* What libc looks for in the program headers: where it was loaded, and the TLS image. */
static unsigned put_headers(struct copy *c, unsigned long *address) {
    struct popcorn_elf_segment *table = (void *)c->byte;
    unsigned count = 2;
    *address = (unsigned long)table;
    table[0] = (struct popcorn_elf_segment){.type = SEGMENT_PHDR, .vaddr = *address};
    table[1] = (struct popcorn_elf_segment){.type = SEGMENT_GNU_STACK, .flags = 6};
    if (&__popcorn_tls) /* if empty too: without an alignment, musl leaves no room for the thread's block */
        table[count++] = (struct popcorn_elf_segment){.type = SEGMENT_TLS,
                                                      .vaddr = (uint64_t)__popcorn_tls.image,
                                                      .filesz = __popcorn_tls.file_size,
                                                      .memsz = __popcorn_tls.mem_size,
                                                      .align = __popcorn_tls.align};
    c->byte += SEGMENTS * sizeof *table;
    return count;
}

/* The value for the copy; false if the entry stays behind. */
static int carry(struct copy *c, unsigned long type, unsigned long *value) {
    switch (type) {
    case AUX_PHDR:
    case AUX_PHENT:
    case AUX_PHNUM:
    case AUX_BASE:
    case AUX_HWCAP:
    case AUX_HWCAP2:
    case AUX_HWCAP3:
    case AUX_HWCAP4:
    case AUX_PLATFORM:
    case AUX_BASE_PLATFORM:
    case AUX_RSEQ_SIZE:
    case AUX_RSEQ_ALIGN:
    case AUX_SYSINFO:
    case AUX_SYSINFO_EHDR:
    case AUX_MINSIGSTKSZ:
        return 0;
    case AUX_EXECFN:
        *value = put_bytes(c, (const char *)*value, length((const char *)*value));
        return 1;
    case AUX_RANDOM:
        *value = put_bytes(c, (const void *)*value, RANDOM_BYTES);
        return 1;
    }
    return 1;
}

static void put_auxiliary(struct copy *c, unsigned long type, unsigned long value) {
    *c->word++ = type;
    *c->word++ = value;
}

static size_t count_strings(char **strings, size_t *bytes) {
    size_t n = 0;
    for (; strings[n]; n++)
        *bytes += length(strings[n]);
    return n;
}

unsigned long start_auxiliary(const unsigned long *auxv, unsigned long type) {
    for (; auxv[0] != AUX_NULL; auxv += 2)
        if (auxv[0] == type)
            return auxv[1];
    return 0;
}

void *start_portable_copy(const struct start_block *block) {
    size_t bytes = 0, words = 3, auxiliary = 0;
    const char *name = (const char *)start_auxiliary(block->auxv, AUX_EXECFN);
    words += count_strings(block->argv, &bytes) + count_strings(block->environment, &bytes);
    while (block->auxv[2 * auxiliary] != AUX_NULL)
        auxiliary++;
    words += 2 * (auxiliary + 4);
    bytes += RANDOM_BYTES + (name ? length(name) : 0);
    size_t headers = SEGMENTS * sizeof(struct popcorn_elf_segment);
    unsigned long *first = (unsigned long *)memory_reserve(words * sizeof *first + headers + bytes);
    if (!first)
        return NULL;
    struct copy c = {first, (char *)(first + words)};
    unsigned long table, count = put_headers(&c, &table);
    *c.word++ = (unsigned long)block->argc;
    put_strings(&c, block->argv);
    put_strings(&c, block->environment);
    for (const unsigned long *a = block->auxv; a[0] != AUX_NULL; a += 2) {
        unsigned long value = a[1];
        if (carry(&c, a[0], &value))
            put_auxiliary(&c, a[0], value);
    }
    put_auxiliary(&c, AUX_PHDR, table);
    put_auxiliary(&c, AUX_PHENT, sizeof(struct popcorn_elf_segment));
    put_auxiliary(&c, AUX_PHNUM, count);
    put_auxiliary(&c, AUX_NULL, 0);
    return first;
}
