/* SPDX-License-Identifier: MIT */
/* Finds clock_gettime in the vDSO: an ELF library in memory whose dynamic symbols are looked through. */
#include "popcorn/container.h"
#include "popcorn/text.h"
#include "syscall/syscall.h"

#define AUX_NULL 0
#define AUX_SYSINFO_EHDR 33

enum { SEGMENT_LOAD = 1, SEGMENT_DYNAMIC = 2 };
enum { TAG_NULL = 0, TAG_HASH = 4, TAG_STRINGS = 5, TAG_SYMBOLS = 6 };

struct symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

struct dynamic {
    uint64_t tag, value;
};

struct library {
    uint64_t base; /* to be added to its addresses */
    const struct symbol *symbols;
    const char *strings;
    const uint32_t *hash; /* nbucket, nchain, …: nchain is the number of symbols */
};

typedef long clock_function(long clock, struct kernel_time *);
static clock_function *fast;

static bool open_library(struct library *l, uint64_t at) {
    const struct popcorn_elf_header *eh = (const void *)at;
    const struct popcorn_elf_segment *ph = (const void *)(at + eh->phoff);
    const struct dynamic *d = NULL;
    bool loaded = false;
    for (int i = 0; i < eh->phnum; i++) {
        if (ph[i].type == SEGMENT_LOAD && !loaded) {
            l->base = at + ph[i].offset - ph[i].vaddr;
            loaded = true;
        } else if (ph[i].type == SEGMENT_DYNAMIC) {
            d = (const void *)(at + ph[i].offset);
        }
    }
    for (; d && d->tag != TAG_NULL; d++) {
        const void *value = (const void *)(l->base + d->value);
        if (d->tag == TAG_HASH)
            l->hash = value;
        else if (d->tag == TAG_STRINGS)
            l->strings = value;
        else if (d->tag == TAG_SYMBOLS)
            l->symbols = value;
    }
    return loaded && l->hash && l->strings && l->symbols;
}

void clock_start(const unsigned long *auxv) {
    struct library l = {0};
    for (; auxv[0] != AUX_NULL; auxv += 2)
        if (auxv[0] == AUX_SYSINFO_EHDR && auxv[1] && !open_library(&l, auxv[1]))
            return;
    for (uint32_t i = 0; l.hash && i < l.hash[1]; i++) {
        const char *name = l.strings + l.symbols[i].name;
        bool wanted = text_equal(name, "__vdso_clock_gettime") || text_equal(name, "__kernel_clock_gettime");
        if (wanted && l.symbols[i].section)
            fast = (clock_function *)(l.base + l.symbols[i].value);
    }
}

long clock_gettime_here(long clock, struct kernel_time *out) {
    return fast ? fast(clock, out) : KERNEL(NR_clock_gettime, clock, out);
}
